import {
  addAddress,
  addBridge,
  addDefaultRoute,
  addDefaultRouteBy,
  addLocalNetwork,
  addVeth,
  attachToBridge,
  takeUp,
} from './rtnetlink';

const hex = ({ bytes }: { readonly bytes: Buffer }): string => bytes.toString('hex');

test('a message says how long it is, and its attributes are aligned', () => {
  const { bytes } = addBridge('br0');
  expect(bytes.readUInt32LE(0)).toBe(bytes.length);
  expect(bytes.length % 4).toBe(0);
  expect(hex({ bytes: bytes.subarray(32) })).toBe(
    // IFLA_IFNAME "br0", IFLA_LINKINFO { IFLA_INFO_KIND "bridge" }
    ['0800', '0300', '62723000', '1000', '1200', '0b00', '0100', '62726964676500', '00'].join(''),
  );
});

test('an address has the broadcast of its network', () => {
  expect(hex(addAddress('eth0', '10.1.2.3', 16))).toContain('0a01ffff');
  expect(hex(addAddress('eth0', '10.1.2.3', 32)).slice(-8)).toBe('0a010203');
  expect(() => addAddress('eth0', 'fd00::1', 64)).toThrow('not an IPv4 address');
});

test.each([
  [attachToBridge('nsv1', 'br0'), 'br0'],
  [addAddress('eth0', '10.1.2.3', 16), 'eth0'],
  [addDefaultRoute('eth0', '10.1.0.1'), 'eth0'],
  [addDefaultRouteBy('uplink', '10.1.0.1'), 'uplink'],
  [addLocalNetwork('10.96.0.0', 16, '10.1.0.1'), 'lo'],
])('where the number of an interface goes is empty until then', ({ bytes, interface: to }, name) => {
  expect(to?.name).toBe(name);
  expect(bytes.readUInt32LE(to?.offset ?? 0)).toBe(0);
});

test('the other end of a pair is in the namespace of a process, with the same size', () => {
  const peer = hex(addVeth('nsv1', 77, 1450));
  expect(peer).toContain(['0800', '1300', '4d000000'].join(''));
  expect(peer.split(['0800', '0400', 'aa050000'].join(''))).toHaveLength(3);
});

test('taking up says only that', () => {
  expect(hex(takeUp('lo')).slice(32, 64)).toBe('00000000' + '00000000' + '01000000' + '01000000');
});
