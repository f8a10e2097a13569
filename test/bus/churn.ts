import { resources } from '#api';
import { type ObjectClient } from '#client';
import { ApiError, delay, systemClock } from '#machinery';

export interface ChurnOptions {
  readonly api: ObjectClient;
  readonly random: () => number;
  /** Of names: writers do not get in each other's way. */
  readonly prefix: string;
  readonly nodes: readonly string[];
  readonly stop: AbortSignal;
}

export interface ChurnCounts {
  done: number;
  /** Answered with what a repeated or lost request leads to: it is there already, it is gone, it has changed. */
  conflicts: number;
  /** Without an answer, or refused otherwise. */
  failed: number;
}

/** Names in use at a time: few, so that objects are often made, changed and removed under the same name. */
const NAMES = 12;
const PAUSE_MS = 10;

/** Makes, changes and removes ConfigMaps, Leases, Deployments and bound Pods at random until it is told to stop. */
export async function churn({ api, random, prefix, nodes, stop }: ChurnOptions): Promise<ChurnCounts> {
  const counts: ChurnCounts = { done: 0, conflicts: 0, failed: 0 };
  const pick = (count: number): number => Math.floor(random() * count);
  for (let round = 0; !stop.aborted; round++) {
    const metadata = { namespace: 'default', name: `${prefix}-${pick(NAMES)}` };
    const kind = pick(kinds.length);
    const act = pick(4);
    try {
      await kinds[kind]?.(api, act, metadata, { round, node: nodes[pick(nodes.length)] ?? '' });
      counts.done++;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 404 || error.code === 409) counts.conflicts++;
      else counts.failed++;
    }
    await delay(systemClock, random() * PAUSE_MS, stop).catch(() => undefined);
  }
  return counts;
}

interface Key {
  readonly namespace: string;
  readonly name: string;
}
type Act = (api: ObjectClient, act: number, metadata: Key, more: { round: number; node: string }) => Promise<unknown>;

/** Acts 0 and 1 create, 2 changes, 3 removes. */
const kinds: readonly Act[] = [
  (api, act, metadata, { round }) => {
    const object = { metadata, data: { round: String(round) } };
    if (act < 2) return api.create(resources.configMaps, object);
    if (act === 2) return api.patch(resources.configMaps, metadata, 'merge', { data: object.data });
    return api.delete(resources.configMaps, metadata);
  },
  (api, act, metadata, { round }) => {
    const spec = { holderIdentity: String(round) };
    if (act < 2) return api.create(resources.leases, { metadata, spec });
    if (act === 2) return api.patch(resources.leases, metadata, 'merge', { spec });
    return api.delete(resources.leases, metadata);
  },
  (api, act, metadata, { round }) => {
    const labels = { app: metadata.name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'a:1' }] } };
    const spec = { replicas: round % 10, selector: { matchLabels: labels }, template };
    if (act < 2) return api.create(resources.deployments, { metadata, spec });
    if (act === 2) return api.patch(resources.deployments, metadata, 'merge', { spec: { replicas: round % 10 } });
    return api.delete(resources.deployments, metadata);
  },
  (api, act, metadata, { round, node }) => {
    const spec = { nodeName: node, containers: [{ name: 'a', image: 'a:1' }] };
    const labels = { round: String(round) };
    if (act < 2) return api.create(resources.pods, { metadata: { ...metadata, labels }, spec });
    if (act === 2) return api.patch(resources.pods, metadata, 'merge', { metadata: { labels } });
    return api.delete(resources.pods, metadata, { gracePeriodSeconds: 0 });
  },
];
