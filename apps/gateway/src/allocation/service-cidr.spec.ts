import fc from 'fast-check';
import { chooseFree, contains, formatAddress, lowerBandSize, parseAddress, parseCidr } from './service-cidr';

describe('service CIDR', () => {
  it('reads a range from any address in it', () => {
    expect(parseCidr('10.96.3.4/16')).toEqual({ cidr: '10.96.3.4/16', first: parseAddress('10.96.0.0'), size: 65536 });
    expect(() => parseCidr('10.96.0.0/31')).toThrow(RangeError);
    expect(() => parseCidr('fd00::/64')).toThrow(RangeError);
  });

  it('contains neither the network nor the broadcast address', () => {
    const range = parseCidr('10.0.0.0/24');
    const inside = ['10.0.0.0', '10.0.0.1', '10.0.0.254', '10.0.0.255', '10.0.1.0'].map((text) =>
      contains(range, parseAddress(text) ?? 0),
    );
    expect(inside).toEqual([false, true, true, false, false]);
  });

  it('formats what it parses', () => {
    fc.assert(fc.property(fc.ipV4(), (address) => formatAddress(parseAddress(address) ?? -1) === address));
  });
});

describe('chooseFree', () => {
  it('finds the only free number wherever it is, and says so when there is none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (size, at, seed) => {
          const free = 1000 + (at % size);
          const band = Math.min(size, lowerBandSize(size));
          expect(
            chooseFree(
              1000,
              size,
              band,
              (value) => value !== free,
              () => seed,
            ),
          ).toBe(free);
          expect(
            chooseFree(
              1000,
              size,
              band,
              () => true,
              () => seed,
            ),
          ).toBeUndefined();
        },
      ),
    );
  });

  it('leaves the lower band to people while there is room above', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (seed) => {
        expect(
          chooseFree(
            0,
            1000,
            100,
            () => false,
            () => seed,
          ),
        ).toBeGreaterThanOrEqual(100);
      }),
    );
  });
});
