import { type HostFiles } from '../host/host-files';
import { podNetworkOptions } from './pod-network';

const localIp = '192.0.2.11';

function files(mtu: string | undefined): HostFiles {
  return {
    interfaces: () =>
      Promise.resolve([
        { name: 'lo', address: '127.0.0.1' },
        { name: 'eth7', address: localIp },
      ]),
    read: (path) =>
      path === '/sys/class/net/eth7/mtu' && mtu !== undefined
        ? Promise.resolve(mtu)
        : Promise.reject(Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })),
    write: () => Promise.reject(new Error('nothing to write')),
    list: () => Promise.resolve([]),
  };
}

test.each([
  ['vxlan', '9001', 8951],
  ['vxlan', '1500', 1450],
  ['host-gw', '1500', 1500],
  ['vxlan', undefined, undefined],
] as const)('with %s between interfaces of MTU %s pods have %s', async (backend, underlay, mtu) => {
  const options = await podNetworkOptions({ proxyMasquerades: true, backend, localIp, files: files(underlay) });
  expect(options).toEqual({ isMasqueraded: false, ...(mtu === undefined ? {} : { mtu }) });
});

test('an address that no interface has, or loopback, says nothing of the MTU', async () => {
  for (const address of ['192.0.2.99', '127.0.0.1']) {
    const facts = { proxyMasquerades: true, backend: 'vxlan', localIp: address, files: files('1500') } as const;
    expect(await podNetworkOptions(facts)).toEqual({ isMasqueraded: false });
  }
});

test('without an overlay the engine decides', async () => {
  const facts = { proxyMasquerades: false, localIp, files: files('1500') };
  expect(await podNetworkOptions(facts)).toEqual({ isMasqueraded: true });
});
