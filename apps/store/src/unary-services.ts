import { etcdserverpb, type kvService, type leaseService, type maintenanceService } from '#etcd';
import { type KeyValueStore, StoreError } from '#store';
import { type Member } from './member';
import { fromCompaction, fromDeleteRange, fromLeaseTtl, fromPut, fromRange, fromTxn } from './requests';
import { keyBytes, toDeleteRange, toPut, toRange, toTxn } from './responses';
import { type UnaryMethods } from './rpc';

/** The version of etcd whose API this is: clients ask before they use what came late. */
const API_VERSION = '3.6.0';

export function kvMethods(store: KeyValueStore, member: Member): UnaryMethods<typeof kvService> {
  return {
    async range(request) {
      const response = await store.range(fromRange(request));
      return toRange(member.header(response.revision), response);
    },
    async put(request) {
      const response = await store.put(fromPut(request));
      return toPut(member.header(response.revision), response);
    },
    async deleteRange(request) {
      const response = await store.deleteRange(fromDeleteRange(request));
      return toDeleteRange(member.header(response.revision), response);
    },
    async txn(request) {
      const response = await store.txn(fromTxn(request));
      return toTxn(member.header(response.revision), response);
    },
    async compact(request) {
      await store.compact(fromCompaction(request));
      return { header: await member.currentHeader() };
    },
  };
}

export function leaseMethods(store: KeyValueStore, member: Member): UnaryMethods<typeof leaseService> {
  return {
    async leaseGrant({ TTL, ID }) {
      const { id, ttl } = await store.leaseGrant(fromLeaseTtl(TTL), ID);
      return { header: await member.currentHeader(), ID: id, TTL: BigInt(ttl), error: '' };
    },
    async leaseRevoke({ ID }) {
      await store.leaseRevoke(ID);
      return { header: await member.currentHeader() };
    },
    async leaseTimeToLive({ ID, keys: wantsKeys }) {
      const { ttl, grantedTtl, keys } = await store.leaseStatus(ID);
      return {
        header: await member.currentHeader(),
        ID,
        TTL: BigInt(ttl),
        grantedTTL: BigInt(grantedTtl),
        keys: wantsKeys ? keys.map(keyBytes) : [],
      };
    },
    async leaseLeases() {
      const ids = await store.leases();
      return { header: await member.currentHeader(), leases: ids.map((ID) => ({ ID })) };
    },
  };
}

export function maintenanceMethods(member: Member): UnaryMethods<typeof maintenanceService> {
  return {
    async status() {
      const { revision, memberId, appliedIndex, term, size, leader, raftIndex, isLearner } = await member.status();
      return etcdserverpb.StatusResponse.create({
        header: member.header(revision),
        version: API_VERSION,
        storageVersion: API_VERSION,
        dbSize: size,
        dbSizeInUse: size,
        // A member that is alone leads.
        leader: leader ?? memberId,
        isLearner: isLearner ?? false,
        raftIndex: raftIndex ?? appliedIndex,
        raftAppliedIndex: appliedIndex,
        raftTerm: Math.max(1, term),
      });
    },
    async alarm({ action }) {
      if (action !== etcdserverpb.AlarmRequest_AlarmAction.GET) {
        throw new StoreError('invalid-argument', 'alarms are neither raised nor disarmed by hand');
      }
      // What etcd has alarms for, a full or damaged disk, this store tells each request.
      return { header: await member.currentHeader(), alarms: [] };
    },
  };
}
