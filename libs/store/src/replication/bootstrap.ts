import crypto from 'node:crypto';
import { type Clock, delay } from '#machinery';
import { encodeConfChange, type Entry } from '#raft';
import { type Logger } from '#telemetry';
import { storeErrors } from '../errors';
import { type Identity } from '../file-header';
import { encodeMemberChange, NOBODY } from './entry-data';
import { type ClusterDescription, decodeDescription } from './member-codec';
import { type Member } from './membership';
import { type PeerTransport } from './peer-transport';

/** How a member finds the others when it starts for the first time, and what it tells them of itself. */
export interface ClusterOptions {
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  /** All members that found the cluster, this one among them; a name comes once for each of its URLs. */
  readonly initialCluster: readonly { readonly name: string; readonly peerUrl: string }[];
  /** Tells clusters with the same addresses apart. */
  readonly token: string;
  /** `existing`: this member was added to a cluster that is at work. */
  readonly state: 'new' | 'existing';
  readonly transport: PeerTransport;
  /** Gives up waiting for members that know this one. */
  readonly signal?: AbortSignal;
  /** Between heartbeats. Default 100. */
  readonly tickMs?: number;
  /** Without a heartbeat for so many ticks (to twice as many) there is an election. Default 10. */
  readonly electionTicks?: number;
  /** How much of the log is kept in memory after a snapshot, for members that are behind; four times as much before. Default 16 MiB. */
  readonly catchUpBytes?: number;
}

/** How long one member has to say who is in the cluster. */
const ANSWER_TIMEOUT_MS = 5_000;
/** How long the members are asked again: they may be starting too, or be about to be told of this one. */
const JOIN_TIMEOUT_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Who the members of a new cluster are: ids follow from addresses, so that all come to the same without asking. */
export function foundingMembers({ initialCluster, token }: Pick<ClusterOptions, 'initialCluster' | 'token'>): Member[] {
  const urls = new Map<string, string[]>();
  for (const { name, peerUrl } of initialCluster) urls.set(name, [...(urls.get(name) ?? []), peerUrl]);
  const members = [...urls.values()].map((peerUrls): Member => {
    const sorted = [...peerUrls].sort();
    // Names are said by the members themselves, when they have started.
    return {
      id: hash(Buffer.from(sorted.join('') + token)),
      name: '',
      peerUrls: sorted,
      clientUrls: [],
      isLearner: false,
    };
  });
  return members.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function foundingIdentity(options: Pick<ClusterOptions, 'peerUrls'>, members: readonly Member[]): Identity {
  const self = members.find((member) => isAt(member, options.peerUrls));
  if (self === undefined) {
    throw storeErrors.invalid(`${options.peerUrls.join(', ')}, where this member is, are not in the initial cluster`);
  }
  const ids = Buffer.alloc(8 * members.length);
  for (const [position, { id }] of members.entries()) ids.writeBigUInt64BE(id, 8 * position);
  return { clusterId: hash(ids), memberId: self.id };
}

/** The first entries of the log, which need no agreement: every founder writes the same. */
export function foundingEntries(members: readonly Member[]): Entry[] {
  return members.map((member, position) => {
    const context = encodeMemberChange(NOBODY, { type: 'add', member });
    const step = { type: member.isLearner ? 'add-learner' : 'add-voter', id: member.id } as const;
    const data = encodeConfChange({ steps: [step], transition: 'auto', context });
    return { term: 1, index: position + 1, type: 'conf-change', data };
  });
}

export interface Discovery extends ClusterDescription {
  /** This member, as the others know it. */
  readonly self: Member;
}

/**
 * Asks the members of a cluster who they are, until one knows of this member. Rejects with `unavailable`, and what each said last, after
 * a minute.
 */
export async function discoverCluster(
  options: ClusterOptions,
  { clock, random, logger }: { readonly clock: Clock; readonly random: () => number; readonly logger?: Logger },
): Promise<Discovery> {
  const deadline = clock.monotonic() + JOIN_TIMEOUT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
    const found = await askEveryone(options);
    if (!Array.isArray(found)) return found;
    const left = deadline - clock.monotonic();
    if (left <= 0) throw storeErrors.notJoined(found);
    logger?.info({ reasons: found, secondsLeft: Math.round(left / 1_000) }, 'waiting for a member that knows this one');
    await delay(clock, Math.min(left, pauseMs * (0.5 + random() / 2)), options.signal);
  }
}

/** @returns why there is no answer, member by member, if there is none */
async function askEveryone({ transport, peerUrls, initialCluster }: ClusterOptions): Promise<Discovery | string[]> {
  const failures: string[] = [];
  for (const { peerUrl } of initialCluster) {
    if (peerUrls.includes(peerUrl)) continue;
    try {
      const description = decodeDescription(await transport.discover(peerUrl, ANSWER_TIMEOUT_MS));
      const self = description.membership.list().find((member) => isAt(member, peerUrls));
      if (self !== undefined) return { ...description, self };
      failures.push(`${peerUrl} knows of no member at ${peerUrls.join(', ')}`);
    } catch (error) {
      failures.push(`${peerUrl}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (failures.length === 0) throw storeErrors.notJoined(['nobody to ask']);
  return failures;
}

function isAt(member: Member, urls: readonly string[]): boolean {
  return [...member.peerUrls].sort().join() === [...urls].sort().join();
}

/** As etcd derives its ids: the first eight bytes of a SHA-1. */
function hash(data: Buffer): bigint {
  return crypto.createHash('sha1').update(data).digest().readBigUInt64BE();
}
