import { type Pod, type Service } from '#api';
import { podCondition } from '#controller';
import { type DeepReadonly } from '#machinery';

interface Known {
  service: string;
  pods: Map<string, string>;
}

/**
 * Tells since when a change has been waiting to be published: the earliest moment among those that are news since the last
 * pass, for the annotation by which upstream measures how long the network takes to be programmed.
 */
export class TriggerTimes {
  private readonly byKey = new Map<string, Known>();

  /** RFC 3339; undefined if nothing with a time is new. To be asked in every pass. */
  next(key: string, service: DeepReadonly<Service>, pods: readonly DeepReadonly<Pod>[]): string | undefined {
    const known = this.byKey.get(key) ?? { service: '', pods: new Map<string, string>() };
    const news: string[] = [];
    const times = new Map<string, string>();
    for (const pod of pods) {
      const time = podCondition(pod, 'Ready')?.lastTransitionTime;
      if (time === undefined) continue;
      const name = pod.metadata?.name ?? '';
      times.set(name, time);
      if (time > (known.pods.get(name) ?? '')) news.push(time);
    }
    const created = service.metadata?.creationTimestamp ?? '';
    if (created > known.service) news.push(created);
    this.byKey.set(key, { service: created, pods: times });
    return news.length === 0 ? undefined : news.reduce((a, b) => (a < b ? a : b));
  }

  forget(key: string): void {
    this.byKey.delete(key);
  }
}
