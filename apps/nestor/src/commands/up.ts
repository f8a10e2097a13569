import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createLogger } from '#telemetry';
import { startCluster, type RunningCluster } from '../cluster';
import { ask, ControlSocket, type ClusterReport } from '../control-socket';
import { dataDirectory, ensureDataDirectory, type DataDirectory } from '../data-directory';
import { holderOf, lockDirectory } from '../directory-lock';
import { startDetached } from '../detach';
import { describe, nextSteps } from '../report';
import { UserError } from '../user-error';

export interface UpOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly runtime: 'auto' | 'docker' | 'fake';
  readonly nodes: number;
  readonly bus?: string;
  readonly detach: boolean;
  readonly logLevel: string;
}

/** Starts a cluster, or tells about the one that already runs on the data directory. */
export async function up(options: UpOptions): Promise<void> {
  const directory = dataDirectory(options.dataDir);
  await ensureDataDirectory(directory);
  const running = await ask(directory.socket, 'report');
  if (running !== undefined) {
    console.log(`A cluster is already running here.\n\n${describe(running, Date.now())}`);
    return;
  }
  if (options.detach) return startDetached(directory, options);
  await runForeground(directory, options);
}

async function runForeground(directory: DataDirectory, options: UpOptions): Promise<void> {
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
  const control = await ControlSocket.listen(directory.socket, () => state, onSignal);
  const log = createWriteStream(directory.logFile, { flags: 'a', mode: 0o600 });
  const logger = createLogger('nestor', { level: options.logLevel, destination: log });
  process.on('unhandledRejection', (error) => {
    // A defect: recorded and shown rather than fatal, so that one controller cannot take the API down with it.
    logger.error({ err: error }, 'unhandled rejection');
    console.error(`nestor: internal error, see ${directory.logFile}: ${String(error)}`);
  });
  let cluster: RunningCluster | undefined;
  try {
    cluster = await startCluster({
      directory,
      port: options.port,
      runtime: options.runtime,
      nodes: options.nodes,
      bus: options.bus,
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
    await control.close();
    await rm(directory.pidFile, { force: true });
    await lock.release();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await new Promise((resolve) => log.end(resolve));
  }
  console.log('Stopped. Containers keep running; nestor up picks them up again.');
}

async function reportHolder(directory: DataDirectory): Promise<void> {
  const report = await ask(directory.socket, 'report');
  if (report !== undefined) {
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
