import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import net from 'node:net';
import { etcdserverpb, kvService } from '#etcd';
import { systemClock } from '#machinery';
import { createMemoryStore, type KeyValueStore } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { createStoreServer, type RunningStoreServer } from '../../apps/store';
import { eventually } from '../tools/eventually';

/** Our HTTP/2 against Node's client, and against bytes that no client sends. */

let behind: KeyValueStore;
let server: RunningStoreServer;

beforeEach(async () => {
  behind = createMemoryStore({ clock: systemClock });
  server = await createStoreServer(
    { host: '127.0.0.1', port: 0 },
    { store: behind, clock: systemClock, logger: silentLogger(), metrics: new Registry() },
  );
});
afterEach(async () => {
  await server.stop();
  await behind.close();
});

interface Answer {
  readonly http: number;
  readonly status?: string;
  readonly message?: string;
  readonly data: Buffer;
}

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function ask(
  session: ClientHttp2Session,
  path: string,
  body: Buffer,
  more: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...more };
    const stream = session.request(headers);
    const chunks: Buffer[] = [];
    const seen: Record<string, unknown> = {};
    stream.on('response', (fields) => void Object.assign(seen, fields));
    stream.on('trailers', (fields) => void Object.assign(seen, fields));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({
        http: Number(seen[':status']),
        status: seen['grpc-status'] as string | undefined,
        message: seen['grpc-message'] as string | undefined,
        data: Buffer.concat(chunks),
      }),
    );
    stream.end(body);
  });
}

const range = (key: string): Buffer =>
  framed(kvService.range.requestSerialize(etcdserverpb.RangeRequest.fromPartial({ key: Buffer.from(key) })));

async function withSession<T>(
  work: (session: ClientHttp2Session) => Promise<T>,
  options: http2.ClientSessionOptions = {},
): Promise<T> {
  const session = http2.connect(`http://${server.address}`, options);
  try {
    return await work(session);
  } finally {
    session.destroy();
  }
}

it.each([1, 1_000, 200_000])('answers large values through windows of %i bytes, many at a time', async (window) => {
  const value = Buffer.alloc(window === 1 ? 300 : 300_000, 'v');
  await behind.put({ key: 'a', value });
  await withSession(
    async (session) => {
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => ask(session, kvService.range.path, range('a'))),
      );
      for (const { status, data } of answers) {
        expect(status).toBe('0');
        const { kvs } = kvService.range.responseDeserialize(data.subarray(5));
        expect(value.equals(kvs[0]!.value)).toBe(true);
      }
    },
    { settings: { initialWindowSize: window } },
  );
});

it('reads header fields with any characters, in whichever way the client writes them', async () => {
  await withSession(async (session) => {
    for (let n = 0; n < 3; n++) {
      for (let from = 33; from < 127; from += 20) {
        const method = String.fromCharCode(...Array.from({ length: 20 }, (_, at) => Math.min(126, from + at)));
        const path = `/etcdserverpb.KV/${method.replaceAll(/["%\\<>^`{|}/]/g, 'x')}`;
        const { status, message } = await ask(session, path, range('a'));
        expect(status).toBe('12');
        expect(decodeURI(message!)).toBe(`unknown method ${path.slice(17)} for service etcdserverpb.KV`);
      }
    }
  });
});

it('says what is no call, and what it does not do', async () => {
  await withSession(async (session) => {
    const { path } = kvService.range;
    expect(await ask(session, path, range('a'), { 'content-type': 'text/plain' })).toMatchObject({ http: 415 });
    expect(await ask(session, '/a.B/C', range('a'))).toMatchObject({ status: '12' });
    expect(await ask(session, path, range('a'), { 'grpc-encoding': 'gzip' })).toMatchObject({ status: '12' });
    expect(await ask(session, path, Buffer.alloc(0))).toMatchObject({ http: 200, status: '13' });
    expect(await ask(session, path, Buffer.concat([range('a'), range('a')]))).toMatchObject({ status: '13' });
    expect(await ask(session, path, range('a'), { 'grpc-timeout': 'soon' })).toMatchObject({ status: '13' });
    expect(await ask(session, path, range('a'), { 'grpc-timeout': '10S' })).toMatchObject({ status: '0' });
  });
});

it('keeps no more of unfinished requests than it has room for, and goes on with the others', async () => {
  const count = 48;
  const part = Buffer.alloc(2 * 1024 * 1024 - 64 * 1024);
  part.writeUInt32BE(2 * 1024 * 1024, 1);
  const work = async (session: ClientHttp2Session): Promise<void> => {
    const begin = (): http2.ClientHttp2Stream => {
      const headers = { ':method': 'POST', ':path': kvService.put.path, 'content-type': 'application/grpc' };
      const stream = session.request({ ...headers, te: 'trailers' });
      stream.on('error', () => undefined);
      stream.write(part);
      return stream;
    };
    // Twice: what was refused, and what was given up, is not counted any more.
    for (let round = 0; round < 2; round++) {
      const refused: unknown[] = [];
      const streams = Array.from({ length: count }, begin);
      for (const stream of streams) {
        stream.on('response', (fields) => refused.push(fields['grpc-status'], fields['grpc-message']));
      }
      const most = Math.ceil((64 * 1024 * 1024) / part.length);
      await eventually(() => expect(refused.length / 2).toBeGreaterThanOrEqual(count - most));
      expect(new Set(refused)).toEqual(new Set(['8', encodeURI('etcdserver: too many requests')]));
      expect(refused.length / 2).toBeLessThan(count / 2);
      expect((await ask(session, kvService.range.path, range('a'))).status).toBe('0');
      await Promise.all(
        streams.map(async (stream) => {
          if (stream.closed) return;
          const closed = once(stream, 'close');
          stream.close(http2.constants.NGHTTP2_CANCEL);
          await closed;
        }),
      );
    }
  };
  await withSession(work, { maxSessionMemory: 1_000 });
}, 60_000);

it('gives up a call whose time is over', async () => {
  jest.spyOn(behind, 'range').mockReturnValue(new Promise(() => undefined));
  await withSession(async (session) => {
    const answer = await ask(session, kvService.range.path, range('a'), { 'grpc-timeout': '10m' });
    expect(answer).toMatchObject({ status: '4', message: 'context%20deadline%20exceeded' });
  });
});

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
const SETTINGS = frame(4, 0, 0);
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

it.each([
  ['no SETTINGS first', [frame(6, 0, 0, Buffer.alloc(8))], 1],
  ['a frame that is too long', [SETTINGS, frame(0, 0, 1, Buffer.alloc(16_385))], 6],
  ['data of a stream that has not begun', [SETTINGS, frame(0, 0, 1)], 1],
  ['a stream with an even number', [SETTINGS, frame(1, 4, 2)], 1],
  ['a header block that makes no sense', [SETTINGS, frame(1, 4, 1, Buffer.of(0x80))], 9],
  ['a header block that is interrupted', [SETTINGS, frame(1, 0, 1), frame(6, 0, 0, Buffer.alloc(8))], 1],
  ['a header block without an end', [SETTINGS, frame(1, 0, 1), ...Array.from({ length: 9 }, () => frame(9, 0, 1))], 11],
  ['a window that grows by nothing', [SETTINGS, frame(8, 0, 0, u32(0))], 1],
  ['a window that is too large', [SETTINGS, frame(8, 0, 0, u32(2 ** 31 - 1))], 3],
  ['a ping of another length', [SETTINGS, frame(6, 0, 0, Buffer.alloc(7))], 6],
  ['more padding than frame', [SETTINGS, frame(1, 0xc, 1, Buffer.of(5, 0))], 1],
  ['a push', [SETTINGS, frame(5, 4, 1, u32(2))], 1],
])('ends a connection with %s, and says why', async (_, frames, code) => {
  const [host, port] = server.address.split(':');
  const socket = net.connect({ host, port: Number(port) });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
  socket.write(Buffer.concat([PREFACE, ...frames]));
  await once(socket, 'close');
  const heard = Buffer.concat(chunks);
  const goaway = heard.indexOf(Buffer.of(0, 0, 8, 7, 0));
  expect(goaway).toBeGreaterThan(0);
  expect(heard.readUInt32BE(goaway + 13)).toBe(code);
});
