import fc from 'fast-check';
import { crc32, crc32c } from './checksums';

describe('checksums', () => {
  // RFC 3720, appendix B.4, and the customary check value.
  it.each([
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 ascending', Buffer.from(Array.from({ length: 32 }, (_, n) => n)), 0x46dd794e],
    ['123456789', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
  ])('of %s', (_name, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('of the other polynomial', () => {
    expect(crc32(Buffer.from('x123456789x'), 1, 10)).toBe(0xcbf43926);
  });

  it('can be continued at any point', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        for (const checksum of [crc32, crc32c])
          expect(checksum(bytes, at, bytes.length, checksum(bytes, 0, at))).toBe(checksum(bytes));
      }),
    );
  });
});
