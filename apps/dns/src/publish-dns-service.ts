import { type EndpointSlice, type Resource, resources, type Service } from '#api';
import { type ObjectClient } from '#client';
import { deepEqualSemantic } from '#controller';
import { hasReason, type KubernetesObject, type ObjectKey } from '#machinery';
import { type UpstreamAddress } from './upstream';

export interface PublishOptions {
  /** `10.96.0.10` */
  readonly clusterIp: string;
  /** Where the server listens, as pods reach it: no loopback addresses. All with the same port. */
  readonly endpoints: readonly UpstreamAddress[];
  /** Names this replica among all that serve names: part of an object's name, the same after a restart. */
  readonly replica: string;
}

/** Says which EndpointSlices are ours. */
export const MANAGED_BY = 'dns.nestor';

/** Of the replica's EndpointSlice and Lease. */
export function sliceName(replica: string): string {
  return `kube-dns-${replica}`;
}

const labels = {
  'k8s-app': 'kube-dns',
  'kubernetes.io/cluster-service': 'true',
  'kubernetes.io/name': 'CoreDNS',
} as const;

/**
 * Makes the service `kube-system/kube-dns` and its EndpointSlice say where this server is. The service has no selector: there
 * are no pods behind it. Each replica has a slice of its own. May be repeated; writes only what differs.
 */
export async function publishDnsService(client: ObjectClient, options: PublishOptions): Promise<void> {
  const key = { namespace: 'kube-system', name: 'kube-dns' };
  await ensure(client, resources.services, key, serviceFor(options), (is, wanted) => ({
    ...is,
    metadata: { ...is.metadata, labels: { ...is.metadata?.labels, ...wanted.metadata?.labels } },
    spec: { ...is.spec, selector: undefined, ports: wanted.spec?.ports },
  }));
  const sliceKey = { ...key, name: sliceName(options.replica) };
  await ensure(client, resources.endpointSlices, sliceKey, sliceFor(options), (is, wanted) => ({
    ...is,
    metadata: { ...is.metadata, labels: { ...is.metadata?.labels, ...wanted.metadata?.labels } },
    endpoints: wanted.endpoints,
    ports: wanted.ports,
  }));
}

function serviceFor({ clusterIp }: PublishOptions): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'kube-system', name: 'kube-dns', labels: { ...labels } },
    spec: {
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      type: 'ClusterIP',
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
    },
  };
}

function sliceFor({ endpoints, replica }: PublishOptions): EndpointSlice {
  const port = endpoints[0]?.port ?? 53;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'kube-system',
      name: sliceName(replica),
      labels: {
        'k8s-app': 'kube-dns',
        'kubernetes.io/service-name': 'kube-dns',
        'endpointslice.kubernetes.io/managed-by': MANAGED_BY,
      },
    },
    addressType: 'IPv4',
    endpoints: endpoints.map(({ address }) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
    })),
    ports: [
      { name: 'dns', port, protocol: 'UDP' },
      { name: 'dns-tcp', port, protocol: 'TCP' },
    ],
  };
}

async function ensure<T extends KubernetesObject>(
  client: ObjectClient,
  resource: Resource<T>,
  key: ObjectKey,
  wanted: T,
  merge: (is: T, wanted: T) => T,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const is = (await client.get(resource, key)) as T;
      const next = merge(structuredClone(is), wanted);
      if (!deepEqualSemantic(is, next)) await client.update(resource, next as never);
      return;
    } catch (error) {
      if (attempt >= 5 || !hasReason(error, 'NotFound', 'Conflict', 'AlreadyExists')) throw error;
      if (hasReason(error, 'NotFound')) {
        try {
          await client.create(resource, wanted as never);
          return;
        } catch (failure) {
          if (!hasReason(failure, 'AlreadyExists')) throw failure;
        }
      }
    }
  }
}
