import fc from 'fast-check';
import { schemaFor } from '../schemas';
import { decodeProtobufMessage } from './decode-protobuf';
import { openProtobufEnvelope } from './envelope';
import { ProtobufError } from './wire-reader';

// A little encoder, so that the tests say what is on the wire.
const varint = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
};
const integer = (number: number, value: number): Buffer => Buffer.from([...varint(number * 8), ...varint(value)]);
const bytes = (number: number, ...parts: (Buffer | string)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(content.length)]), content]);
};

const decode = (group: string, version: string, kind: string, ...fields: Buffer[]): unknown =>
  decodeProtobufMessage(Buffer.concat(fields), schemaFor(group, version, kind));

describe('Protobuf', () => {
  it('becomes the JSON that says the same', () => {
    const metadata = bytes(1, bytes(1, 'web'), bytes(2, ''), bytes(8), bytes(11, bytes(1, 'app'), bytes(2, 'web')));
    const container = bytes(
      2,
      bytes(1, 'main'),
      bytes(2, 'image'),
      bytes(8, bytes(1, bytes(1, 'cpu'), bytes(2, bytes(1, '100m')))),
    );
    expect(decode('', 'v1', 'Pod', metadata, bytes(2, container, integer(4, 30)))).toEqual({
      metadata: { name: 'web', creationTimestamp: null, labels: { app: 'web' } },
      spec: {
        containers: [{ name: 'main', image: 'image', resources: { limits: { cpu: '100m' } } }],
        terminationGracePeriodSeconds: 30,
      },
    });
  });

  it('has fields in messages that JSON has inline', () => {
    const volume = bytes(1, bytes(1, 'v'), bytes(2, bytes(19, bytes(1, bytes(1, 'settings')), integer(3, 420))));
    expect(decode('', 'v1', 'Pod', bytes(2, volume))).toEqual({
      spec: { volumes: [{ name: 'v', configMap: { name: 'settings', defaultMode: 420 } }] },
    });
  });

  it.each([
    [[integer(1, 0), integer(2, 80)], 80],
    [[integer(1, 1), bytes(3, 'http')], 'http'],
    [[integer(1, 0), integer(2, -1)], -1],
  ])('has numbers or names of ports', (parts, targetPort) => {
    expect(decode('', 'v1', 'Service', bytes(2, bytes(1, bytes(4, ...parts))))).toEqual({
      spec: { ports: [{ targetPort }] },
    });
  });

  it('has lists as values of maps, and times', () => {
    const extra = bytes(5, bytes(1, 'scopes'), bytes(2, bytes(1, 'a'), bytes(1, 'b')));
    expect(decode('authorization.k8s.io', 'v1', 'SubjectAccessReview', bytes(2, extra))).toEqual({
      spec: { extra: { scopes: ['a', 'b'] } },
    });
    const renewal = bytes(4, integer(1, 1_700_000_000), integer(2, 123_456_000));
    expect(decode('coordination.k8s.io', 'v1', 'Lease', bytes(2, renewal))).toEqual({
      spec: { renewTime: '2023-11-14T22:13:20.123000Z' },
    });
  });

  it('keeps binary data as base64, and skips what it does not know', () => {
    const data = bytes(2, bytes(1, 'key'), bytes(2, Buffer.from([0, 255])));
    expect(decode('', 'v1', 'Secret', data, bytes(900, 'future'), integer(901, 1))).toEqual({ data: { key: 'AP8=' } });
  });

  it('comes in an envelope that names the kind', () => {
    const body = Buffer.concat([
      Buffer.from('k8s\0'),
      bytes(1, bytes(1, 'apps/v1'), bytes(2, 'Deployment')),
      bytes(2, 'message'),
    ]);
    expect(openProtobufEnvelope(body)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      message: Buffer.from('message'),
    });
    expect(() => openProtobufEnvelope(Buffer.from('{"kind":"Pod"}'))).toThrow(ProtobufError);
  });

  it('that is garbage is refused as such', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        try {
          decode('', 'v1', 'Pod', Buffer.from(garbage));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError);
        }
      }),
    );
  });
});
