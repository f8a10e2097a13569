import { status } from '@grpc/grpc-js';
import { etcdserverpb, type maintenanceService } from '#etcd';
import { type Alarm, type AlarmType, type ClusterAdministration, type StoreAdministration } from '#store';
import { type Caller } from './call';
import { type Member } from './member';
import { type StreamingMethods, type UnaryMethods } from './served-method';
import { RpcError } from './status';

/** The version of etcd whose API this is: clients ask before they use what came late. */
export const API_VERSION = '3.6.0';
/** What all members understand: without the patch. */
export const CLUSTER_VERSION = '3.6';

const {
  AlarmRequest_AlarmAction,
  DowngradeRequest_DowngradeAction: DowngradeAction,
  AlarmType: AlarmCode,
} = etcdserverpb;

/** Semantic, the patch with what follows it left out at will. */
const VERSION = /^\d+\.\d+(?:\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?)?$/;
/** A message of a snapshot, as etcd's. */
const BLOB_BYTES = 32 * 1024;

/** @param administration undefined: the store behind knows no alarms */
export function statusMethods(
  member: Member,
  administration: StoreAdministration | undefined,
): UnaryMethods<typeof maintenanceService> {
  return {
    async status() {
      const {
        revision,
        memberId,
        appliedIndex,
        term,
        size,
        leader,
        raftIndex,
        isLearner,
        errors = [],
      } = await member.status();
      const alarms = administration?.alarms() ?? [];
      return etcdserverpb.StatusResponse.create({
        header: member.header(revision),
        version: API_VERSION,
        storageVersion: API_VERSION,
        dbSize: size,
        dbSizeInUse: size,
        dbSizeQuota: administration?.quotaBytes ?? 0,
        // A member that is alone leads.
        leader: leader ?? memberId,
        isLearner: isLearner ?? false,
        raftIndex: raftIndex ?? appliedIndex,
        raftAppliedIndex: appliedIndex,
        raftTerm: Math.max(1, term),
        errors: [...errors, ...alarms.map(({ memberId: id, type }) => `memberID:${id} alarm:${type.toUpperCase()} `)],
      });
    },
  };
}

export function maintenanceMethods(
  member: Member,
  administration: StoreAdministration,
  cluster: ClusterAdministration | undefined,
): UnaryMethods<typeof maintenanceService> {
  return {
    async alarm({ action, alarm: code, memberID: memberId }, call) {
      const caller = call.caller();
      const alarms = await changeAlarm(administration, caller, { action, code, memberId });
      return {
        header: await member.currentHeader(),
        alarms: alarms.map(({ memberId: id, type }) => ({ memberID: id, alarm: codeOf(type) })),
      };
    },
    async defragment(_request, call) {
      call.caller().checkAdmin();
      await administration.defragment();
      return { header: undefined };
    },
    async hash(_request, call) {
      call.caller().checkAdmin();
      const { hash, revision } = await administration.hash();
      return { header: member.header(revision), hash };
    },
    async hashKV({ revision }, call) {
      call.caller().checkAdmin();
      const result = await administration.hashKeys(Math.max(0, Number(revision)));
      return {
        header: member.header(result.revision),
        hash: result.hash,
        compactRevision: BigInt(result.compactRevision),
        hashRevision: BigInt(result.hashRevision),
      };
    },
    async moveLeader({ targetID }, call) {
      call.caller().checkAdmin();
      const { memberId } = await member.status();
      if (cluster !== undefined) await cluster.moveLeader(targetID);
      else if (targetID !== memberId) {
        throw new RpcError(status.FAILED_PRECONDITION, 'etcdserver: bad leader transferee');
      }
      return { header: undefined };
    },
    /** As etcd answers for a version that is not the one before its own: of ours there is none before. Nothing is ever under way. */
    async downgrade({ action, version }, call) {
      call.caller().checkAdmin();
      const header = await member.currentHeader();
      // Whether or not there was anything to cancel.
      if (action === DowngradeAction.CANCEL) return { header, version: CLUSTER_VERSION };
      if (action !== DowngradeAction.VALIDATE && action !== DowngradeAction.ENABLE) {
        throw new RpcError(status.UNKNOWN, 'etcdserver: unknown method');
      }
      if (!VERSION.test(version)) {
        throw new RpcError(status.INVALID_ARGUMENT, 'etcdserver: wrong downgrade target version format');
      }
      throw new RpcError(status.INVALID_ARGUMENT, 'etcdserver: invalid downgrade target version');
    },
  };
}

export function snapshotMethods(
  member: Member,
  administration: StoreAdministration,
): StreamingMethods<typeof maintenanceService> {
  return {
    async *snapshot(_request, call) {
      call.caller().checkAdmin();
      await member.status();
      const download = await administration.snapshot();
      try {
        let left = download.bytes;
        for (const chunk of download.chunks) {
          for (let start = 0; start < chunk.length; start += BLOB_BYTES) {
            call.signal.throwIfAborted();
            const blob = chunk.subarray(start, start + BLOB_BYTES);
            left -= blob.length;
            yield { header: undefined, remainingBytes: BigInt(left), blob, version: API_VERSION };
          }
          // Encoding the next one takes its time: others run first.
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        download.close();
      }
    },
  };
}

interface AlarmChange {
  readonly action: etcdserverpb.AlarmRequest_AlarmAction;
  readonly code: etcdserverpb.AlarmType;
  readonly memberId: bigint;
}

async function changeAlarm(
  administration: StoreAdministration,
  caller: Caller,
  { action, code, memberId }: AlarmChange,
): Promise<readonly Alarm[]> {
  const type = typeOf(code);
  if (action === AlarmRequest_AlarmAction.GET) {
    caller.checkUser();
    await administration.settle();
    return administration.alarms(type);
  }
  // As etcd: an alarm of no kind is nothing that could be raised or disarmed.
  if (type === undefined) return [];
  const change = action === AlarmRequest_AlarmAction.ACTIVATE ? 'raise' : 'disarm';
  return administration.changeAlarm(change, { memberId, type }, caller.author);
}

function typeOf(code: etcdserverpb.AlarmType): AlarmType | undefined {
  if (code === AlarmCode.NOSPACE) return 'nospace';
  return code === AlarmCode.CORRUPT ? 'corrupt' : undefined;
}

function codeOf(type: AlarmType): etcdserverpb.AlarmType {
  return type === 'nospace' ? AlarmCode.NOSPACE : AlarmCode.CORRUPT;
}
