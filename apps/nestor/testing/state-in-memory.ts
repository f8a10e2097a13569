import { createAuthority, createSigningKey, issueCertificate, type KeyPair } from '#pki';
import { createMemoryStore, type KeyValueStore } from '#store';
import { certificateRequests, type ClusterPki, type ClusterState } from '../src/cluster-state';
import { type NetworkPlan } from '../src/network-plan';

/** Keys take longer to make than all else that a start does, and none of them outlives the process: its clusters share them. */
const keys = new Map<string, Promise<ClusterPki>>();

/**
 * Keeps nothing.
 * @param onStore called with the store before anybody else has it
 * @param onServing called when the API answers
 */
export function stateInMemory(
  onStore: (store: KeyValueStore) => void,
  onServing: (pki: ClusterPki, server: string) => void,
): ClusterState {
  return {
    // With simulated pods nothing is read or written there.
    root: '/nonexistent',
    identity: () => Promise.resolve({ name: 'test', plan: 0 }),
    pki: (plan, nodeName) => {
      const known = keys.get(nodeName) ?? makeKeys(plan, nodeName);
      keys.set(nodeName, known);
      return known;
    },
    openStore: (options) => {
      const store = createMemoryStore(options);
      onStore(store);
      return Promise.resolve({ store, close: () => store.close() });
    },
    announce: (pki, server) => Promise.resolve(onServing(pki, server)),
  };
}

async function makeKeys(plan: NetworkPlan, nodeName: string): Promise<ClusterPki> {
  // Real time: TLS knows no other.
  const now = Date.now();
  const authority = await createAuthority('kubernetes', now);
  const requests = certificateRequests(plan, nodeName);
  const names = Object.keys(requests) as (keyof typeof requests)[];
  const pairs = await Promise.all(
    names.map(async (name): Promise<[string, KeyPair]> => [
      name,
      await issueCertificate(authority, requests[name], now),
    ]),
  );
  return {
    authority,
    serviceAccountKeyPem: createSigningKey(),
    certificates: Object.fromEntries(pairs) as ClusterPki['certificates'],
    issued: names,
  };
}
