import { type IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { FakeClock } from '#testing';
import { httpBody, maximumBodyBytes, maximumBodyMs } from './body-reader';

function upload(headers: Record<string, string> = {}) {
  const clock = new FakeClock();
  const stream = Object.assign(new PassThrough(), { headers });
  return { clock, stream, body: httpBody(stream as unknown as IncomingMessage, clock) };
}

describe('a request body', () => {
  it('is read once, and is undefined when it is empty', async () => {
    const { stream, body } = upload();
    stream.write('a');
    stream.end('b');
    expect(String(await body.bytes())).toBe('ab');
    expect(String(await body.bytes())).toBe('ab');
    const empty = upload();
    empty.stream.end();
    expect(await empty.body.bytes()).toBeUndefined();
  });

  it('is refused by its length, announced or found', async () => {
    const announced = upload({ 'content-length': String(maximumBodyBytes + 1) });
    await expect(announced.body.bytes()).rejects.toMatchObject({ code: 413 });
    const found = upload();
    found.stream.write(Buffer.alloc(maximumBodyBytes + 1));
    await expect(found.body.bytes()).rejects.toMatchObject({ code: 413 });
  });

  it('has to come to an end in time', async () => {
    const { clock, stream, body } = upload();
    const bytes = body.bytes();
    const refused = expect(bytes).rejects.toMatchObject({ code: 504, reason: 'Timeout' });
    stream.write('half');
    await clock.advance(maximumBodyMs);
    await refused;
  });

  it('may be cut off', async () => {
    const { stream, body } = upload();
    const refused = expect(body.bytes()).rejects.toMatchObject({ code: 400 });
    stream.destroy();
    await refused;
  });
});
