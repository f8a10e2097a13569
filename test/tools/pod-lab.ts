import { type Container, type CoreEvent, type Pod, type PodSpec, type PodStatus } from '#api';
import { eventually } from './eventually';
import { type KubernetesApi } from './kubernetes-api';
import { type NestorCluster } from './nestor';

const NAMESPACE = '/api/v1/namespaces/default';

type PartialContainer = Partial<Container>;

/** A container of the image that every cluster has. A `command` of one word or more runs as it is; `sh` runs a script. */
export function container(name: string, script: string | readonly string[], more: PartialContainer = {}): Container {
  const command = typeof script === 'string' ? ['sh', '-c', script] : [...script];
  return { name, image: 'nestor.local/node', imagePullPolicy: 'IfNotPresent', command, ...more };
}

/** Runs until it is told to end, at once. */
export const idle = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

/** Pods on a real cluster: made together, looked at one by one. */
export class PodLab {
  constructor(
    private readonly cluster: NestorCluster,
    private readonly api: KubernetesApi,
  ) {}

  /** Creates objects of any kind through kubectl, in order. */
  async apply(...items: readonly object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items };
    await this.cluster.kubectlWith(JSON.stringify(list), 'apply', '-f', '-');
  }

  pod(name: string, containers: Container[], spec: Partial<PodSpec> = {}): Pod {
    const defaults = { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false };
    return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { ...defaults, containers, ...spec } };
  }

  async status(name: string): Promise<PodStatus> {
    return (await this.get(name)).status ?? {};
  }

  get(name: string): Promise<Pod> {
    return this.api.must<Pod>('GET', `${NAMESPACE}/pods/${name}`);
  }

  /** Repeats an assertion about the pod's status until it holds. */
  until(name: string, assertion: (status: PodStatus) => void, timeoutMs = 40_000): Promise<void> {
    return eventually(async () => assertion(await this.status(name)), timeoutMs);
  }

  /** Waits until the pod has ended. */
  ended(name: string): Promise<void> {
    return this.until(name, ({ phase }) => expect(['Succeeded', 'Failed']).toContain(phase));
  }

  ready(name: string): Promise<void> {
    return this.until(name, ({ conditions = [] }) =>
      expect(conditions.find(({ type }) => type === 'Ready')?.status).toBe('True'),
    );
  }

  /** What the pod's only (or named) container wrote until it ended. */
  async output(name: string, of?: string): Promise<string> {
    await this.ended(name);
    return this.cluster.kubectl('logs', name, ...(of === undefined ? [] : ['-c', of]));
  }

  exec(name: string, ...command: readonly string[]): Promise<string> {
    return this.cluster.kubectl('exec', name, '--', ...command);
  }

  /** `Reason: message` of the pod's events, in their order. */
  async events(name: string): Promise<string[]> {
    const selector = encodeURIComponent(`involvedObject.kind=Pod,involvedObject.name=${name}`);
    const { items } = await this.api.must<{ items: CoreEvent[] }>(
      'GET',
      `${NAMESPACE}/events?fieldSelector=${selector}`,
    );
    return items.map(({ type, reason, message }) => `${type} ${reason}: ${message?.trimEnd()}`);
  }

  /** Waits for an event; the others are shown when it does not come. */
  event(name: string, expected: string | RegExp, timeoutMs = 40_000): Promise<void> {
    const wanted: unknown = typeof expected === 'string' ? expected : expect.stringMatching(expected);
    return eventually(async () => expect(await this.events(name)).toContainEqual(wanted), timeoutMs);
  }
}
