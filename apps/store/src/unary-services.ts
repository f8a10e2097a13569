import { type kvService, type leaseService } from '#etcd';
import { type KeyValueStore } from '#store';
import { type Member } from './member';
import { fromCompaction, fromDeleteRange, fromLeaseTtl, fromPut, fromRange, fromTxn } from './requests';
import { RangeAnswer } from './range-answer';
import { keyBytes, toDeleteRange, toPut, toTxn } from './responses';
import { type UnaryMethods } from './served-method';

export function kvMethods(member: Member): UnaryMethods<typeof kvService> {
  return {
    async range(request, call) {
      const response = await call.caller().store.range(fromRange(request));
      return new RangeAnswer(member.header(response.revision), response);
    },
    async put(request, call) {
      const response = await call.caller().store.put(fromPut(request));
      return toPut(member.header(response.revision), response);
    },
    async deleteRange(request, call) {
      const response = await call.caller().store.deleteRange(fromDeleteRange(request));
      return toDeleteRange(member.header(response.revision), response);
    },
    async txn(request, call) {
      const response = await call.caller().store.txn(fromTxn(request));
      return toTxn(member.header(response.revision), response);
    },
    async compact(request, call) {
      await call.caller().store.compact(fromCompaction(request));
      return { header: await member.currentHeader() };
    },
  };
}

export function leaseMethods(store: KeyValueStore, member: Member): UnaryMethods<typeof leaseService> {
  return {
    async leaseGrant({ TTL, ID }, call) {
      const { id, ttl } = await call.caller().store.leaseGrant(fromLeaseTtl(TTL), ID);
      return { header: await member.currentHeader(), ID: id, TTL: BigInt(ttl), error: '' };
    },
    async leaseRevoke({ ID }, call) {
      await call.caller().store.leaseRevoke(ID);
      return { header: await member.currentHeader() };
    },
    async leaseTimeToLive({ ID, keys: wantsKeys }, call) {
      const caller = call.caller();
      caller.checkUser();
      // Its keys are for those alone who may read them.
      const { ttl, grantedTtl, keys } = await (wantsKeys ? caller.store : store).leaseStatus(ID);
      return {
        header: await member.currentHeader(),
        ID,
        TTL: BigInt(ttl),
        grantedTTL: BigInt(grantedTtl),
        keys: wantsKeys ? keys.map(keyBytes) : [],
      };
    },
    async leaseLeases(_request, call) {
      const ids = await call.caller().store.leases();
      return { header: await member.currentHeader(), leases: ids.map((ID) => ({ ID })) };
    },
  };
}
