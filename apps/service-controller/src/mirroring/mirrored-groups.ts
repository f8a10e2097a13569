import { type CoreEndpointPort, type Endpoint, type EndpointAddress, type Endpoints } from '#api';
import { type DeepReadonly } from '#machinery';
import { canonicalIp, ipFamily } from '#network';
import { type AddressType, type EndpointGroup } from '../slices/plan-slices';

/** Upstream's default for `--mirroring-max-endpoints-per-subset`; also what one slice may hold. */
export const mirroredPerSubset = 1000;

/** Endpoints as slices say it: by family of address, those that are ready first. What is no address is left out. */
export function mirroredGroups({ subsets }: DeepReadonly<Endpoints>): EndpointGroup[] {
  const groups = new Map<string, { addressType: AddressType; ports: CoreEndpointPort[]; endpoints: Endpoint[] }>();
  for (const subset of subsets ?? []) {
    const ports = (subset.ports ?? []).map(({ name = '', protocol = 'TCP', port, appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    const all = [
      ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
      ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
    ];
    for (const { address, ready } of all.slice(0, mirroredPerSubset)) {
      const addressType = ipFamily(address.ip);
      if (addressType === undefined) continue;
      const key = `${addressType} ${JSON.stringify(ports)}`;
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { addressType, ports, endpoints: [] }));
      group.endpoints.push(mirrored(address, ready));
    }
  }
  return [...groups.values()];
}

function mirrored({ ip, hostname, nodeName, targetRef }: DeepReadonly<EndpointAddress>, ready: boolean): Endpoint {
  return {
    addresses: [canonicalIp(ip) ?? ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef: { ...targetRef } }),
  };
}
