import { type Secret } from '#api';
import { type DeepReadonly, delay, goQuote } from '#machinery';
import { type ImageCredentials, type Mount, RuntimeError, type SandboxConfig } from '#runtime';
import { containerConfigOf } from '../containers/container-config';
import { environmentOf } from '../containers/environment';
import { ContainerError } from '../containers/errors';
import { credentialsFor } from '../images/pull-secrets';
import { type ContainerSpec, fieldPathOf, type PodObject, uidOf } from '../pods/pod-containers';
import { runHook } from '../probes/prober';
import { type MountedVolume } from '../volumes/volume';
import { type WorkerContext } from './worker-context';

export interface StartRequest {
  readonly pod: PodObject;
  readonly container: ContainerSpec;
  readonly attempt: number;
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  readonly ip: string | undefined;
  /** The running container that an ephemeral one targets; undefined: it targets none, or none runs. */
  readonly targetContainerId: string | undefined;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  /** The pod is going down: nothing is started any more. */
  readonly signal: AbortSignal;
  /** The container runs, its hook is yet to come. */
  onStarted(containerId: string): void;
}

/**
 * Starts one container: image, configuration, create, start, postStart hook. Rejects with `ContainerError`; records the kubelet's events. A container
 * whose hook failed is left running for the caller to stop.
 */
export async function startContainer(context: WorkerContext, request: StartRequest): Promise<void> {
  const { pod, container, signal } = request;
  const event = eventsOf(context, pod, container.name);
  const image = await raced(signal, () => ensureImage(context, request));
  signal.throwIfAborted();
  const { runtime } = context;
  let id: string;
  try {
    const env = await environmentOf(pod, container, {
      objects: context.objects,
      services: (namespace) => context.services(namespace),
      addresses: { podIp: request.ip, hostIp: context.node.hostIp },
      allocatable: context.allocatable(),
    });
    const mounts = await mountsOf(context, request, env);
    const config = containerConfigOf(pod, container, {
      attempt: request.attempt,
      image,
      env,
      mounts,
      memoryCapacity: context.memoryCapacity(),
      seccompRoot: context.seccompRoot,
      ...targetOf(request),
    });
    signal.throwIfAborted();
    id = await runtime.createContainer(request.sandboxId, request.sandbox, config);
  } catch (error) {
    if (signal.aborted) throw error;
    const failure = asContainerError(error, 'CreateContainerError');
    event('Warning', 'Failed', `Error: ${failure.message}`);
    throw failure;
  }
  event('Normal', 'Created', 'Container created');
  signal.throwIfAborted();
  try {
    await runtime.startContainer(id, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const failure = asContainerError(error, 'RunContainerError');
    event('Warning', 'Failed', `Error: ${failure.message}`);
    throw failure;
  }
  event('Normal', 'Started', 'Container started');
  request.onStarted(id);
  await raced(signal, () => postStart(context, request, id));
}

/** KEP-277: an ephemeral container may join the process namespace of another. */
function targetOf({ container, targetContainerId }: StartRequest): { readonly targetContainerId?: string } {
  const target = 'targetContainerName' in container ? container.targetContainerName : undefined;
  if (target === undefined || target === '') return {};
  if (targetContainerId === undefined) {
    throw new ContainerError('CreateContainerError', `unable to find target container ${goQuote(target)}`);
  }
  return { targetContainerId };
}

async function ensureImage(context: WorkerContext, { pod, container }: StartRequest) {
  const event = eventsOf(context, pod, container.name);
  try {
    return await context.images.ensure({
      podUid: uidOf(pod),
      image: container.image ?? '',
      policy: container.imagePullPolicy,
      credentials: () => pullCredentials(context, pod, container.image ?? ''),
      event,
    });
  } catch (error) {
    if (error instanceof ContainerError) event('Warning', 'Failed', `Error: ${error.reason}`);
    throw asContainerError(error, 'ImageInspectError');
  }
}

/** Secrets that do not exist are skipped, as upstream does: the registry's answer tells what is missing. */
async function pullCredentials(
  context: WorkerContext,
  pod: PodObject,
  image: string,
): Promise<ImageCredentials | undefined> {
  const secrets: DeepReadonly<Secret>[] = [];
  for (const { name } of pod.spec?.imagePullSecrets ?? []) {
    if (name === undefined) continue;
    const secret = await context.objects.secret(pod.metadata?.namespace ?? '', name);
    if (secret !== undefined) secrets.push(secret);
    else {
      const message = `Unable to retrieve some image pull secrets (${name}); attempting to pull the image may not succeed.`;
      context.recorder.event(pod, 'Warning', 'FailedToRetrieveImagePullSecret', message);
    }
  }
  return credentialsFor(image, secrets);
}

async function mountsOf(
  { filesystem }: WorkerContext,
  { pod, container, attempt, volumes }: StartRequest,
  env: readonly { readonly name: string; readonly value: string }[],
): Promise<readonly Mount[]> {
  if (filesystem === undefined) return [];
  const variables = new Map(env.map(({ name, value }) => [name, value]));
  return filesystem.mountsOf(pod, container, attempt, volumes, variables);
}

async function postStart(
  context: WorkerContext,
  { pod, container, ip, signal }: StartRequest,
  id: string,
): Promise<void> {
  const hook = container.lifecycle?.postStart;
  if (hook === undefined) return;
  const target = { containerId: id, container, ip: ip ?? context.node.hostIp };
  // Upstream lets a hook take as long as it likes.
  const forever = 2 ** 31 - 1;
  try {
    await runHook(context.runtime, hook, target, forever, (ms) => delay(context.clock, ms, signal));
  } catch (error) {
    if (signal.aborted) throw error;
    context.logger.warn({ err: error, container: container.name }, 'postStart hook failed');
    eventsOf(context, pod, container.name)('Warning', 'FailedPostStartHook', 'PostStartHook failed');
    throw new ContainerError('PostStartHookError', error instanceof Error ? error.message : String(error));
  }
}

export function eventsOf(context: WorkerContext, pod: PodObject, container: string) {
  return (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    context.recorder.event(pod, type, reason, message, fieldPathOf(pod, container));
}

/** The runtime's own words are fit for a status; an engine that does not answer is not the container's fault. */
function asContainerError(error: unknown, reason: string): Error {
  if (error instanceof ContainerError) return error;
  if (error instanceof RuntimeError && error.code === 'unavailable') return error;
  return new ContainerError(reason, error instanceof Error ? error.message : String(error));
}

/** The work's outcome, or at once the signal's reason. Work that has not begun by then never does. */
async function raced<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
