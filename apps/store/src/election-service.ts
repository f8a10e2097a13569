import { type electionService, type v3electionpb } from '#etcd';
import { type Key, type KeyValue, type KeyValueStore, type PutRequest } from '#store';
import { asClient, claim, concurrencyErrors, endOfPrefix, oldest, untilFirst } from './concurrency';
import { eventsOf } from './event-queue';
import { type Member } from './member';
import { keyOf } from './requests';
import { keyBytes, toKeyValue } from './responses';
import { type StreamingMethods, type UnaryMethods } from './served-method';

export function electionMethods(member: Member): UnaryMethods<typeof electionService> {
  return asClient({
    async campaign({ name, lease, value }, call) {
      const { store } = call.caller();
      const mine = await claim(store, keyOf(name), lease, value);
      const { revision } = mine.response;
      // Who candidates again for the same has nothing to say.
      if (mine.existing !== undefined && !Buffer.from(value).equals(mine.existing.value)) {
        await putWhileLeading(store, mine.key, mine.revision, { value, lease: mine.lease });
      }
      await untilFirst(store, mine, call.signal);
      const leader = { name, key: keyBytes(mine.key), rev: BigInt(mine.revision), lease: mine.lease };
      return { header: member.header(revision), leader };
    },
    async proclaim({ leader, value }, call) {
      if (leader === undefined) throw concurrencyErrors.noLeaderKey();
      const { key, rev, lease } = leader;
      const revision = await putWhileLeading(call.caller().store, keyOf(key), Number(rev), { value, lease });
      return { header: member.header(revision) };
    },
    async leader({ name }, call) {
      const { kv, revision } = await oldest(call.caller().store, `${keyOf(name)}/`);
      if (kv === undefined) throw concurrencyErrors.noLeader();
      return { header: member.header(revision), kv: toKeyValue(kv) };
    },
    async resign({ leader }, call) {
      if (leader === undefined) throw concurrencyErrors.noLeaderKey();
      const key = keyOf(leader.key);
      const { revision } = await call.caller().store.txn({
        compare: [{ key, target: 'create', result: 'equal', operand: leader.rev }],
        success: [{ type: 'delete', request: { key } }],
      });
      return { header: member.header(revision) };
    },
  } satisfies UnaryMethods<typeof electionService>);
}

/** Every leader, and everything that one proclaims, from the present one on. */
export function observeMethods(member: Member): StreamingMethods<typeof electionService> {
  return {
    async *observe({ name }, call) {
      const { store } = call.caller();
      const prefix = `${keyOf(name)}/`;
      let { kv: leader, revision } = await oldest(store, prefix);
      if (leader !== undefined) yield response(member, leader, revision);
      const request = { key: prefix, rangeEnd: endOfPrefix(prefix), startRevision: revision + 1 };
      for await (const { type, kv } of eventsOf(store, request, call.signal)) {
        if (leader !== undefined && kv.key !== leader.key) continue;
        revision = kv.modRevision;
        leader = type === 'put' ? kv : (await oldest(store, prefix, revision)).kv;
        if (leader !== undefined) yield response(member, leader, revision);
      }
    },
  };
}

function response(member: Member, kv: KeyValue, revision: number): v3electionpb.LeaderResponse {
  return { header: member.header(revision), kv: toKeyValue(kv) };
}

async function putWhileLeading(
  store: KeyValueStore,
  key: Key,
  createRevision: number,
  put: Pick<PutRequest, 'value' | 'lease'>,
): Promise<number> {
  const { succeeded, revision } = await store.txn({
    compare: [{ key, target: 'create', result: 'equal', operand: createRevision }],
    success: [{ type: 'put', request: { key, ...put } }],
  });
  if (!succeeded) throw concurrencyErrors.notLeader();
  return revision;
}
