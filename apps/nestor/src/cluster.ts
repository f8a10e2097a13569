import { type Logger, type RunningComponent } from '#telemetry';
import { type DataDirectory } from './data-directory';

export interface ClusterOptions {
  readonly directory: DataDirectory;
  /** 0: any free port. */
  readonly port: number;
  readonly runtime: 'auto' | 'docker' | 'fake';
  readonly nodes: number;
  /** URL of a NATS server; absent: in process. */
  readonly bus?: string;
  readonly logger: Logger;
  readonly progress: (activity: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

export interface RunningCluster extends RunningComponent {
  readonly server: string;
  readonly runtime: string;
  readonly notes: readonly string[];
}

/** The composition root: every component in one process, started in order of dependence and stopped in reverse. */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  options.progress('nothing to start yet');
  return {
    name: 'cluster',
    server: `https://127.0.0.1:${options.port}`,
    runtime: options.runtime,
    notes: [],
    stop: async () => undefined,
  };
}
