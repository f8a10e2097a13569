import fc from 'fast-check';
import { addressOfReverseName, canonicalIp, ipBytes, ipFamily, ipOfBytes, reverseName } from './ip';
import { blocksOverlap, formatIpv4, isInCidr, nthAddress, parseIpv4, parseIpv4Block } from './ipv4';

const address = fc.integer({ min: 0, max: 0xffffffff });

describe('IPv4 addresses', () => {
  test('format and parse are opposites', () => {
    fc.assert(fc.property(address, (value) => parseIpv4(formatIpv4(value)) === value));
  });

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '256.1.1.1',
    '01.2.3.4',
    '1..2.3',
    ' 1.2.3.4',
    '::1',
    '1.2.3.4/8',
  ])('%p is none', (text) => expect(parseIpv4(text)).toBeUndefined());

  test('no text makes the parser throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseIpv4(text);
        parseIpv4Block(text);
        canonicalIp(text);
        reverseName(text);
        addressOfReverseName(text);
      }),
    );
  });

  test('blocks have their host bits cleared', () => {
    expect(parseIpv4Block('10.1.2.3/8')).toEqual({ first: 0x0a000000, prefix: 8, size: 2 ** 24 });
    expect(parseIpv4Block('10.1.2.3/33')).toBeUndefined();
    expect(parseIpv4Block('10.1.2.3')).toBeUndefined();
  });

  test('an address is in a block that it overlaps as a /32', () => {
    fc.assert(
      fc.property(address, address, fc.integer({ min: 0, max: 32 }), (one, other, prefix) => {
        const cidr = `${formatIpv4(other)}/${prefix}`;
        const block = parseIpv4Block(cidr)!;
        expect(isInCidr(formatIpv4(one), cidr)).toBe(blocksOverlap(block, { first: one, prefix: 32, size: 1 }));
        expect(isInCidr(formatIpv4(other), cidr)).toBe(true);
      }),
    );
  });

  test('the n-th address', () => {
    expect(nthAddress('10.96.0.0/16', 10)).toBe('10.96.0.10');
    expect(() => nthAddress('10.96.0.0/30', 4)).toThrow(RangeError);
  });
});

describe('addresses of both families', () => {
  test.each([
    ['10.0.0.1', 'IPv4', '10.0.0.1'],
    ['2001:DB8:0:0:0:0:0:1', 'IPv6', '2001:db8::1'],
    ['fe80::1%eth0', undefined, undefined],
    ['10.0.0.01', undefined, undefined],
    ['example', undefined, undefined],
  ])('%s is %s, in canonical form %s', (text, family, canonical) => {
    expect(ipFamily(text)).toBe(family);
    expect(canonicalIp(text)).toBe(canonical);
  });

  test('reverse names', () => {
    expect(reverseName('10.96.0.1')).toBe('1.0.96.10.in-addr.arpa');
    expect(reverseName('2001:db8::1')).toBe('1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa');
    for (const text of ['10.96.0.1', '2001:db8::1']) expect(addressOfReverseName(reverseName(text)!)).toBe(text);
    expect(addressOfReverseName('1.0.10.in-addr.arpa')).toBeUndefined();
  });
});

describe('addresses as bytes', () => {
  it('are four or sixteen, and back', () => {
    expect(ipBytes('10.96.0.1')).toEqual([10, 96, 0, 1]);
    expect(ipBytes('2001:db8::1')).toHaveLength(16);
    for (const text of ['10.96.0.1', '2001:db8::1', '::', '::1'])
      expect(ipOfBytes(Buffer.from(ipBytes(text)!))).toBe(text);
  });
  it('are nothing for anything else', () => {
    expect(ipBytes('10.96.0')).toBeUndefined();
    expect(ipOfBytes(Buffer.alloc(5))).toBeUndefined();
  });
});
