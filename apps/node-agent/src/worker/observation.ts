import { Writable } from 'node:stream';
import { type ContainerStatus, type SandboxStatus } from '#runtime';
import { findContainer, type PodObject, uidOf } from '../pods/pod-containers';
import { type WorkerContext } from './worker-context';

export interface Observation {
  readonly sandboxes: readonly SandboxStatus[];
  readonly containers: readonly ContainerStatus[];
}

const fallbackLines = 80;
const fallbackBytes = 2048;

/** Reads a pod's state from the runtime. Messages of containers that have ended are read once. */
export class PodObserver {
  private readonly messages = new Map<string, string | undefined>();

  constructor(private readonly context: WorkerContext) {}

  /** Newest first. */
  async observe(pod: PodObject): Promise<Observation> {
    const { runtime } = this.context;
    const uid = uidOf(pod);
    const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(uid), runtime.listContainers(uid)]);
    const enriched = await Promise.all(containers.map((container) => this.withMessage(pod, container)));
    return {
      sandboxes: [...sandboxes].sort((a, b) => b.pod.attempt - a.pod.attempt || b.createdAt - a.createdAt),
      containers: enriched.sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt),
    };
  }

  private async withMessage(pod: PodObject, container: ContainerStatus): Promise<ContainerStatus> {
    if (container.state !== 'exited' || this.context.filesystem === undefined) return container;
    if (!this.messages.has(container.id)) this.messages.set(container.id, await this.readMessage(pod, container));
    const message = this.messages.get(container.id);
    return message === undefined ? container : { ...container, message };
  }

  private async readMessage(
    pod: PodObject,
    { id, name, attempt, exitCode }: ContainerStatus,
  ): Promise<string | undefined> {
    const written = await this.context.filesystem?.terminationMessage(uidOf(pod), name, attempt);
    if (written !== undefined) return written;
    const policy = findContainer(pod, name)?.spec.terminationMessagePolicy;
    if (policy !== 'FallbackToLogsOnError' || exitCode === 0) return undefined;
    const chunks: Buffer[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    await this.context.runtime.logs(id, { follow: false, timestamps: false, tailLines: fallbackLines }, sink, sink);
    const text = Buffer.concat(chunks);
    return text.subarray(Math.max(0, text.length - fallbackBytes)).toString('utf8') || undefined;
  }
}
