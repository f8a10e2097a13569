import { type ObjectClient } from '#client';
import { ApiError, type Clock, type DeepReadonly, type KubernetesObject, type Status } from '#machinery';
import { type Host, type Outcome } from './contract';
import { loadHost } from './load-host';
import { type ObjectRef } from './object-ref';

export interface ClusterOptions {
  /** Simulated nodes, `node-1`, `node-2` … Default 1. 0: a control plane only, whose pods stay pending. */
  readonly nodes?: number;
}

export interface WaitOptions {
  /** Of a reference that does not name one. Default `default`. */
  readonly namespace?: string;
  /** In real time. Default 10 s. */
  readonly timeoutMs?: number;
}

/**
 * A Kubernetes cluster in this process, for a test: all of Nestor's components and simulated nodes, on a port of 127.0.0.1, with
 * nothing on disk. Any number may run at a time; they know nothing of each other.
 */
export class Cluster {
  /** `https://127.0.0.1:<port>`. */
  readonly server: string;
  /** Text of a kubeconfig of the administrator. */
  readonly kubeconfig: string;
  /** Names of the nodes. */
  readonly nodes: readonly string[];
  /** With the rights of an administrator. Answers are yours to change. */
  readonly client: ObjectClient;
  /** The cluster's time, for what is under test to share it: its timers fire in an `advance`, in their turn. */
  readonly clock: Clock;

  private constructor(private readonly host: Host) {
    this.server = host.server;
    this.kubeconfig = host.kubeconfig;
    this.nodes = [...host.nodes];
    this.client = clientOf(host);
    this.clock = host.clock;
  }

  /** Resolves when a pod that is created now would run. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const { nodes = 1 } = options;
    if (!Number.isInteger(nodes) || nodes < 0) throw new TypeError('nodes has to be a number of nodes');
    return new Cluster(await loadHost().startHost({ nodes }));
  }

  /**
   * Applies on the server (as field manager `nestor-testing`, taking fields over from others), in order: YAML or JSON of any number of documents,
   * one object, or several. Resolves with the objects as the server has them; rejects with the first `ApiError`.
   */
  apply<T extends KubernetesObject = KubernetesObject>(
    manifests: string | object | readonly object[],
  ): Promise<DeepReadonly<T>[]> {
    return take<DeepReadonly<T>[]>(this.host.apply(manifests));
  }

  /**
   * Resolves with the object as soon as it meets the condition.
   * @param ref `'deployment/web'`, with short names and groups as kubectl has them, or `{ kind, name, namespace, apiVersion }`
   * @param condition `'Available'` (the status condition is `True`), `'Ready=False'`, `'deleted'`, or a function that says so; what it throws ends the
   *   wait
   * @throws Error, after `timeoutMs`, with the object's conditions and latest events
   */
  async waitFor(ref: ObjectRef, condition: 'deleted', options?: WaitOptions): Promise<undefined>;
  async waitFor<T extends KubernetesObject = KubernetesObject>(
    ref: ObjectRef,
    condition: string | ((object: DeepReadonly<T>) => boolean),
    options?: WaitOptions,
  ): Promise<DeepReadonly<T>>;
  async waitFor<T extends KubernetesObject>(
    ref: ObjectRef,
    condition: string | ((object: DeepReadonly<T>) => boolean),
    options: WaitOptions = {},
  ): Promise<DeepReadonly<T> | undefined> {
    if (typeof condition === 'string') return take(this.host.waitFor(ref, condition, options));
    const thrown: unknown[] = [];
    const judge = (json: string): boolean => {
      try {
        return condition(JSON.parse(json) as DeepReadonly<T>);
      } catch (error) {
        thrown.push(error);
        return true;
      }
    };
    const object = await take<DeepReadonly<T>>(this.host.waitFor(ref, judge, options));
    if (thrown.length > 0) throw thrown[0];
    return object;
  }

  /**
   * Moves the cluster's clock ahead, by `'10m'`, `'1h30m'` or milliseconds. All that falls due on the way happens, in order, and comes to rest;
   * when this resolves there is nothing left to do in the cluster, and its clock goes on from there in real time.
   */
  advance(duration: number | string): Promise<void> {
    return take(this.host.advance(duration));
  }

  /** Stops a node's agent, as a power cut would: its heartbeats end, its pods are not looked after. */
  stopNode(name: string): Promise<void> {
    return take(this.host.stopNode(name));
  }

  /** For programs that want a file: writes the kubeconfig to a temporary directory, which `stop` removes. Resolves with the path. */
  writeKubeconfig(): Promise<string> {
    return take(this.host.writeKubeconfig());
  }

  /** Ends everything; afterwards nothing of the cluster is left in the process. May be called again. */
  stop(): Promise<void> {
    return take(this.host.stop());
  }
}

/** Makes the answer an object of this context, or throws an error of it. */
async function take<T>(answer: Promise<string>): Promise<T> {
  const { value, status, error } = JSON.parse(await answer) as Outcome;
  if (status !== undefined) throw new ApiError(status as Status);
  if (error !== undefined) throw new Error(error);
  return value as T;
}

const methods = [
  'get',
  'list',
  'create',
  'update',
  'patch',
  'delete',
  'deleteCollection',
  'createSubresource',
  'raw',
] as const satisfies readonly (keyof ObjectClient)[];

function clientOf(host: Host): ObjectClient {
  const calls = methods.map((method) => [method, (...args: unknown[]) => take(host.call(method, args))] as const);
  return Object.fromEntries(calls) as unknown as ObjectClient;
}
