import { FirstFrames, SETTINGS } from './first-frames';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const ACKNOWLEDGED = frame(4, 1);
const WINDOW_UPDATE = frame(8, 0, Buffer.from([0, 0, 255, 255]));
const DATA = frame(0, 1, Buffer.from('message'));

function frame(type: number, flags: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.from([0, 0, 0, type, flags, 0, 0, 0, 1]);
  header.writeUIntBE(body.length, 0, 3);
  return Buffer.concat([header, body]);
}

/** `:method POST`, `:scheme http`, `:path /a` as a literal, then the authority, then `te: trailers` under a name of its own. */
function fields(authority: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x44, 2]),
    Buffer.from('/a'),
    Buffer.from([0x41]),
    authority,
    Buffer.from([0x40, 2]),
    Buffer.from('te'),
    Buffer.from([8]),
    Buffer.from('trailers'),
  ]);
}

function plain(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}

/** `http://127.0.0.1:2379` as Go's encoder writes it, in Huffman code. */
const HUFFMAN_URL = Buffer.from('8f9d29aee30c044eae05c0b86e09975f', 'hex');

describe('a connection of a client that takes a URL for an authority', () => {
  const request = frame(1, 4, fields(plain('http://127.0.0.1:2379')));
  const repaired = frame(1, 4, fields(plain('etcd')));
  const whole = Buffer.concat([PREFACE, SETTINGS, ACKNOWLEDGED, WINDOW_UPDATE, request, DATA]);
  const wanted = Buffer.concat([PREFACE, SETTINGS, WINDOW_UPDATE, repaired, DATA]);

  it('goes on with an authority, and without the acknowledgement of our SETTINGS', () => {
    const frames = new FirstFrames();
    expect(frames.push(whole)).toBe(true);
    expect(frames.rest).toEqual(wanted);
  });

  it('may arrive in any pieces, and in another order', () => {
    const late = Buffer.concat([PREFACE, SETTINGS, request, DATA, ACKNOWLEDGED, DATA]);
    for (const size of [1, 2, 7, 30]) {
      const frames = new FirstFrames();
      let isDone = false;
      for (let at = 0; at < late.length; at += size) isDone = frames.push(late.subarray(at, at + size));
      expect(isDone).toBe(true);
      expect(frames.rest).toEqual(Buffer.concat([PREFACE, SETTINGS, repaired, DATA, DATA]));
    }
  });

  it.each([
    ['https', plain('https://store:2379')],
    ['in Huffman code', HUFFMAN_URL],
  ])('is known by its scheme: %s', (_, authority) => {
    const frames = new FirstFrames();
    frames.push(Buffer.concat([PREFACE, SETTINGS, ACKNOWLEDGED, frame(1, 4, fields(authority))]));
    expect(frames.rest).toEqual(Buffer.concat([PREFACE, SETTINGS, repaired]));
  });

  it('with padding and a priority is read as well', () => {
    const prefix = Buffer.from([3, 0, 0, 0, 0, 16]);
    const padded = (authority: string): Buffer =>
      frame(1, 4 + 8 + 32, Buffer.concat([prefix, fields(plain(authority)), Buffer.alloc(3)]));
    const frames = new FirstFrames();
    frames.push(Buffer.concat([PREFACE, SETTINGS, ACKNOWLEDGED, padded('http://a:1')]));
    expect(frames.rest).toEqual(Buffer.concat([PREFACE, SETTINGS, padded('etcd')]));
  });
});

describe('any other connection', () => {
  it('is left as it is, except for the acknowledgement', () => {
    for (const authority of [plain('127.0.0.1:2379'), plain('httpd:80'), Buffer.from([0x82, 0x9d, 0x29])]) {
      const request = frame(1, 4, fields(authority));
      const frames = new FirstFrames();
      expect(frames.push(Buffer.concat([PREFACE, SETTINGS, request]))).toBe(false);
      expect(frames.canGoOn).toBe(false);
      expect(frames.push(ACKNOWLEDGED)).toBe(true);
      expect(frames.rest).toEqual(Buffer.concat([PREFACE, SETTINGS, request]));
    }
  });

  it('is not looked into when its SETTINGS are not those of Go', () => {
    expect(FirstFrames.mayBeNeeded(Buffer.concat([PREFACE, SETTINGS]))).toBe(true);
    expect(FirstFrames.mayBeNeeded(Buffer.concat([PREFACE, frame(4, 0, Buffer.alloc(6))]))).toBe(false);
    expect(FirstFrames.mayBeNeeded(PREFACE)).toBeUndefined();
  });

  it('that is garbage is handed on as it is, whatever it is', () => {
    const huge = Buffer.concat([PREFACE, SETTINGS, Buffer.alloc(20_000, 0xff)]);
    const frames = new FirstFrames();
    expect(frames.push(huge)).toBe(true);
    expect(frames.rest).toEqual(huge);

    const cut = frame(1, 4, Buffer.from([0x41, 0xff, 0xff, 0xff, 0xff, 0xff, 0x40]));
    const others = new FirstFrames();
    others.push(Buffer.concat([PREFACE, SETTINGS, ACKNOWLEDGED, cut]));
    expect(others.rest).toEqual(Buffer.concat([PREFACE, SETTINGS, cut]));
  });
});
