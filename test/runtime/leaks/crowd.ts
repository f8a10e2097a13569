import { type Pod, resources } from '#api';
import { type ObjectClient } from '#client';
import { isPodReady } from '#controller';
import { type DeepReadonly, hasReason } from '#machinery';
import { type Random } from '#testing';
import { mainProcesses, pauseProcessOf } from './leftovers';
import { isLasting, podKinds } from './pod-kinds';

/** Tells the processes of each pod: its value is the pod's name. */
const variable = 'NESTOR_LEAK_TEST';

/** More would wait minutes for their next start. */
const mostCauses = 2;

interface Member {
  readonly name: string;
  readonly kind: string;
  /** How often something was done to it that ends a container, for each of its containers. */
  causes: number;
}

/** Pods of one node that come, are killed and go by chance, and what was done to each. */
export class Crowd {
  readonly counts: Record<string, number> = { created: 0, removed: 0, 'containers killed': 0, 'sandboxes killed': 0 };
  readonly faults = new Set<string>();
  private readonly members = new Map<string, Member>();
  private last = 0;

  constructor(
    private readonly api: ObjectClient,
    private readonly node: string,
    private readonly random: Random,
    /** No two runs on one machine should share host ports. */
    private nextPort: number,
  ) {}

  /** With those that are still going. */
  async size(): Promise<number> {
    return (await this.api.list(resources.pods)).items.length;
  }

  async create(): Promise<void> {
    const kind = this.random.one(Object.keys(podKinds));
    const number = ++this.last;
    const name = `${kind}-${number}`;
    // None is taken twice: who has it may still be there.
    const port = kind === 'host-port' ? this.nextPort++ : 0;
    const spec = podKinds[kind]?.(port) ?? { containers: [] };
    const containers = spec.containers?.map((one) => ({ ...one, env: [{ name: variable, value: name }] }));
    const pod: Pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'default', name },
      spec: { ...spec, containers, nodeName: this.node, automountServiceAccountToken: number % 2 === 0 },
    };
    this.members.set(name, { name, kind, causes: 0 });
    await this.api.create(resources.pods, pod);
    this.count('created');
  }

  /** At once, or with a grace period that some do not use. */
  async remove(member = this.random.pick([...this.members.values()])): Promise<void> {
    if (member === undefined) return;
    await this.look(member);
    this.members.delete(member.name);
    const key = { namespace: 'default', name: member.name };
    await this.api.delete(resources.pods, key, { gracePeriodSeconds: this.random.below(3) });
    this.count('removed');
  }

  removeAll(): Promise<unknown> {
    return Promise.all([...this.members.values()].map((member) => this.remove(member)));
  }

  killContainer(): void {
    const { member, pid } = this.victim();
    if (member === undefined || pid === undefined || !kill(pid)) return;
    member.causes += 1;
    this.count('containers killed');
  }

  killSandbox(): void {
    const { member, pid } = this.victim();
    const pause = pid === undefined ? undefined : pauseProcessOf(pid);
    if (member === undefined || pause === undefined || member.kind === 'host-network') return;
    if (!kill(pause)) return;
    // All of its containers, and the first ones once more.
    member.causes += podKinds[member.kind]?.(0).containers?.length ?? 1;
    this.count('sandboxes killed');
  }

  /** Looks whether somebody restarted without cause, and says who is not as it should be yet. */
  async unsettled(): Promise<string[]> {
    const found = await Promise.all(
      [...this.members.values()].map(async (member) => {
        const pod = await this.look(member);
        const isFine = isLasting(member.kind) ? pod !== undefined && isPodReady(pod) : pod?.status?.phase === 'Failed';
        return isFine ? [] : [`${member.name} (${pod?.status?.phase ?? 'gone'}): ${why(pod)}`];
      }),
    );
    return found.flat();
  }

  /** Somebody who runs now. */
  private victim(): { member?: Member; pid?: number } {
    const running = mainProcesses(variable);
    const isFit = ({ name, kind, causes }: Member): boolean =>
      causes < mostCauses && isLasting(kind) && running.has(name);
    const member = this.random.pick([...this.members.values()].filter(isFit));
    const pid = member === undefined ? undefined : this.random.pick(running.get(member.name) ?? []);
    return { ...(member === undefined ? {} : { member }), ...(pid === undefined ? {} : { pid }) };
  }

  private async look({ name, causes }: Member): Promise<DeepReadonly<Pod> | undefined> {
    try {
      const pod = await this.api.get(resources.pods, { namespace: 'default', name });
      const restarts = pod.status?.containerStatuses?.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0) ?? 0;
      if (restarts > causes) this.faults.add(`${name} was restarted ${restarts} times, not ${causes}: ${why(pod)}`);
      return pod;
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      this.faults.add(`${name} is gone, though nobody removed it`);
      return undefined;
    }
  }

  private count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

function why(pod: DeepReadonly<Pod> | undefined): string {
  const { initContainerStatuses = [], containerStatuses = [] } = pod?.status ?? {};
  return JSON.stringify(
    [...initContainerStatuses, ...containerStatuses].map(({ name, state, lastState }) => ({ name, state, lastState })),
  );
}

/** False: it has ended by itself since it was seen. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
