import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Relay } from '#runtime';
import { createLogger } from '#telemetry';
import { startCluster, type RunningCluster } from './cluster';
import { type ClusterState, stateOnDisk } from './cluster-state';
import { ask, ControlSocket, type ClusterReport } from './control-socket';
import { isOnMembers, stateOnMembers } from './member-state';
import { holderOf } from './directory-holder';
import { lockDirectory } from './directory-lock';
import { type UpOptions } from './commands/up';
import { type DataDirectory } from './data-directory';
import { describe, nextSteps } from './report';
import { ownNamespace } from './rootless';
import { RotatingLog } from './rotating-log';
import { UserError } from './user-error';

/** How long the holder of the data directory has to answer. */
const ANSWER_MS = 3_000;
const POLL_MS = 50;
const logLimits = { maxBytes: 10 * 2 ** 20, keep: 4 };

/** Runs a cluster until it is told to stop; or tells about the one that has the data directory. */
export async function runForeground(directory: DataDirectory, options: UpOptions): Promise<void> {
  const lock = await lockDirectory(directory);
  if (lock === undefined) return reportHolder(directory);
  const stopping = new AbortController();
  const onSignal = (): void => stopping.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const startedAt = Date.now();
  const state: { -readonly [K in keyof ClusterReport]: ClusterReport[K] } = {
    pid: process.pid,
    phase: 'starting',
    activity: 'starting',
    server: `https://127.0.0.1:${options.port}`,
    kubeconfig: directory.kubeconfig,
    runtime: options.runtime,
    nodes: options.nodes,
    startedAt,
    notes: [],
  };
  const log = new RotatingLog(directory.logFile, {
    ...logLimits,
    // A full disk must not end the process: lines are lost, and the terminal says so once.
    onError: (error) => console.error(`nestor: cannot write ${directory.logFile}: ${error.message}`),
  });
  const logger = createLogger('nestor', { level: options.logLevel, destination: log });
  process.on('unhandledRejection', (error) => {
    // A defect: recorded and shown rather than fatal, so that one controller cannot take the API down with it.
    logger.error({ err: error }, 'unhandled rejection');
    console.error(`nestor: internal error, see ${directory.logFile}: ${String(error)}`);
  });
  let cluster: RunningCluster | undefined;
  let control: ControlSocket | undefined;
  const namespace = ownNamespace();
  try {
    control = await ControlSocket.listen(directory.socket, () => state, onSignal);
    cluster = await startCluster({
      state: await clusterState(directory, options),
      port: options.port,
      runtime: options.runtime,
      nodes: options.nodes,
      bus: options.bus,
      ...(namespace === undefined ? {} : { relay: new Relay(namespace) }),
      logger,
      signal: stopping.signal,
      progress: (activity) => {
        state.activity = activity;
        console.log(`  ${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${activity}`);
      },
    });
    Object.assign(state, {
      phase: 'ready',
      activity: '',
      server: cluster.server,
      runtime: cluster.runtime,
      notes: cluster.notes,
    });
    console.log(
      `\n${describe(state, Date.now())}\n${nextSteps(directory.kubeconfig)}\n\nCtrl-C stops the control plane; containers keep running.`,
    );
    await aborted(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    Object.assign(state, { phase: 'stopping', activity: 'stopping' });
    await cluster?.stop();
    await control?.close();
    await rm(directory.pidFile, { force: true });
    await lock.release();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await log.end();
  }
  console.log('Stopped. Containers keep running; nestor up picks them up again.');
}

async function clusterState(directory: DataDirectory, { ha, logLevel }: UpOptions): Promise<ClusterState> {
  if (!ha && !(await isOnMembers(directory))) return stateOnDisk(directory);
  return stateOnMembers(directory, { logLevel, say: (line) => console.log(line) });
}

async function reportHolder(directory: DataDirectory): Promise<void> {
  // Between taking the lock and answering on its socket there is a moment.
  for (const deadline = Date.now() + ANSWER_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const report = await ask(directory.socket, 'report');
    if (report === undefined) continue;
    console.log(`A cluster is already running here.\n\n${describe(report, Date.now())}`);
    return;
  }
  const holder = await holderOf(directory);
  throw new UserError(
    `process ${holder?.pid ?? '?'} holds ${directory.root} but does not answer; stop it, or choose another --data-dir`,
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
