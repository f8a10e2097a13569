import { type Endpoint, type EndpointSlice } from '#api';
import { type DeepReadonly } from '#machinery';
import { isIpv4 } from './ipv4';
import { type Backend, type Decision } from './service-rules';

/** An address of a service port with what decides whether it is used. */
export interface Candidate extends Backend {
  readonly isReady: boolean;
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  readonly isLocal: boolean;
}

export interface CandidateOptions {
  /** Names of the nodes whose pods are on this host. */
  readonly localNodes: ReadonlySet<string>;
  /** Endpoints that are about to go, although their slice does not say so yet: they count as terminating. */
  readonly isWithdrawn: (endpoint: DeepReadonly<Endpoint>) => boolean;
}

/**
 * The candidates for the named port in the slices of one service. An address that several slices name (while an endpoint
 * moves between them) counts once, in its best condition. Absent conditions are read as upstream's: ready, serving, not terminating.
 */
export function candidates(
  slices: readonly DeepReadonly<EndpointSlice>[],
  port: { readonly name: string; readonly protocol: string },
  options: CandidateOptions,
): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue;
    const numbers = (slice.ports ?? []).flatMap((one) =>
      (one.name ?? '') === port.name && (one.protocol ?? 'TCP') === port.protocol && isPort(one.port) ? [one.port] : [],
    );
    for (const number of numbers) {
      for (const endpoint of slice.endpoints ?? []) {
        const candidate = candidateOf(endpoint, number, options);
        if (candidate === undefined) continue;
        const key = `${candidate.ip}:${candidate.port}`;
        const known = found.get(key);
        if (known === undefined || rank(candidate) > rank(known)) found.set(key, candidate);
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.ip === b.ip ? a.port - b.port : a.ip < b.ip ? -1 : 1));
}

/** Ready ones; if there are none, those that still serve while they terminate (KEP-1669). */
export function usable(all: readonly Candidate[]): readonly Candidate[] {
  const ready = all.filter(({ isReady }) => isReady);
  return ready.length > 0 ? ready : all.filter(({ isServing, isTerminating }) => isServing && isTerminating);
}

/** With policy Cluster every usable endpoint serves. */
export function decideCluster(all: readonly Candidate[]): Decision {
  const backends = usable(all).map(toBackend);
  return backends.length > 0 ? { kind: 'balance', backends } : { kind: 'reject' };
}

/** With policy Local only this host's endpoints serve. */
export function decideLocal(all: readonly Candidate[]): Decision {
  const backends = usable(all.filter(({ isLocal }) => isLocal)).map(toBackend);
  if (backends.length > 0) return { kind: 'balance', backends };
  return usable(all).length > 0 ? { kind: 'drop' } : { kind: 'reject' };
}

export function isPort(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0 && value < 65_536;
}

function candidateOf(
  endpoint: DeepReadonly<Endpoint>,
  port: number,
  { localNodes, isWithdrawn }: CandidateOptions,
): Candidate | undefined {
  // Upstream: addresses beyond the first are not used by proxies.
  const ip = endpoint.addresses[0];
  if (ip === undefined || !isIpv4(ip)) return undefined;
  const { ready = true, serving = true, terminating = false } = endpoint.conditions ?? {};
  const withdrawn = isWithdrawn(endpoint);
  return {
    ip,
    port,
    isReady: ready && !withdrawn,
    isServing: serving,
    isTerminating: terminating || withdrawn,
    isLocal: endpoint.nodeName !== undefined && localNodes.has(endpoint.nodeName),
  };
}

function rank({ isReady, isServing }: Candidate): number {
  return isReady ? 2 : isServing ? 1 : 0;
}

function toBackend({ ip, port }: Candidate): Backend {
  return { ip, port };
}
