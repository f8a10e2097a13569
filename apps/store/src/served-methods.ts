import {
  authService,
  clusterService,
  electionService,
  healthService,
  kvService,
  leaseService,
  lockService,
  maintenanceService,
  watchService,
} from '#etcd';
import { type StoreServerDependencies } from './config';
import { authMethods } from './auth-service';
import { clusterMethods } from './cluster-service';
import { electionMethods, observeMethods } from './election-service';
import { healthMethods, watchHealthMethods } from './health-service';
import { serveKeepAlive } from './lease-keep-alive';
import { lockMethods } from './lock-service';
import { maintenanceMethods, snapshotMethods, statusMethods } from './maintenance-service';
import { type Member } from './member';
import { type ServedMethod, streamingMethods, unaryMethods } from './served-method';
import { kvMethods, leaseMethods } from './unary-services';
import { type RangeAnswer } from './range-answer';
import { serveWatch } from './watch/serve-watch';
import { type WatchSessionContext } from './watch/watch-session';

export interface ServedStore {
  readonly store: StoreServerDependencies['store'];
  readonly member: Member;
  readonly watching: WatchSessionContext;
  /** Under which this member is reached. */
  readonly clientUrl: () => string;
}

/** Whoever is answered encodes. */
const rangeMethod = { ...kvService.range, responseSerialize: (answer: RangeAnswer) => answer.encode() };

/** Everything that is served, whichever way it is asked for. */
export function servedMethods({ store, member, watching, clientUrl }: ServedStore): ServedMethod[] {
  const { administration } = store;
  return [
    ...unaryMethods({ ...kvService, range: rangeMethod }, kvMethods(member)),
    ...unaryMethods(leaseService, leaseMethods(store, member)),
    {
      kind: 'bidi_stream',
      definition: leaseService.leaseKeepAlive as never,
      handle: (stream, call) => serveKeepAlive(stream, call, member),
    },
    {
      kind: 'bidi_stream',
      // The session encodes, because it has to know how many bytes a response takes.
      definition: { ...watchService.watch, responseSerialize: (message: Buffer) => message } as never,
      handle: (stream, call) => serveWatch(stream, call, watching),
    },
    ...unaryMethods(clusterService, clusterMethods(member, store.cluster, clientUrl)),
    ...unaryMethods(maintenanceService, statusMethods(member, administration)),
    ...unaryMethods(healthService, healthMethods),
    ...streamingMethods(healthService, watchHealthMethods),
    ...unaryMethods(lockService, lockMethods(member)),
    ...unaryMethods(electionService, electionMethods(member)),
    ...streamingMethods(electionService, observeMethods(member)),
    ...(administration === undefined
      ? []
      : [
          ...unaryMethods(maintenanceService, maintenanceMethods(member, administration, store.cluster)),
          ...streamingMethods(maintenanceService, snapshotMethods(member, administration)),
          ...unaryMethods(authService, authMethods(member, administration)),
        ]),
  ];
}
