import { type lockService } from '#etcd';
import { asClient, claim, concurrencyErrors, untilFirst } from './concurrency';
import { type Member } from './member';
import { keyOf } from './requests';
import { keyBytes } from './responses';
import { type UnaryMethods } from './served-method';

export function lockMethods(member: Member): UnaryMethods<typeof lockService> {
  return asClient({
    async lock({ name, lease }, call) {
      const { store } = call.caller();
      const mine = await claim(store, keyOf(name), lease, new Uint8Array());
      await untilFirst(store, mine, call.signal);
      const { kvs, revision } = await store.range({ key: mine.key });
      // The lease has ended while its key was waiting.
      if (kvs.length === 0) throw concurrencyErrors.sessionExpired();
      return { header: member.header(revision), key: keyBytes(mine.key) };
    },
    async unlock({ key }, call) {
      const { revision } = await call.caller().store.deleteRange({ key: keyOf(key) });
      return { header: member.header(revision) };
    },
  } satisfies UnaryMethods<typeof lockService>);
}
