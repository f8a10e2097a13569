import { eventually } from '../tools/eventually';
import { type ChaosMember } from './chaos-cluster';
import { Observer } from './observer';

/** An observer at each member that there is; what those of others had seen before they went is kept. */
export class Observers {
  readonly all: Observer[] = [];
  private readonly watching = new Map<string, Observer>();

  /** What every observer has seen. */
  get seen(): number {
    return Math.min(...[...this.watching.values()].map(({ revision }) => revision));
  }

  /** @param from the first revision that is surely there */
  join({ name, store }: ChaosMember, from: number): void {
    const observer = new Observer(name, store, from);
    this.all.push(observer);
    this.watching.set(name, observer);
  }

  leave({ name }: ChaosMember): void {
    this.watching.get(name)?.stop();
    this.watching.delete(name);
  }

  /** Resolves when all have come as far, or have gone wrong. */
  async finish(revision: number): Promise<void> {
    await eventually(() => {
      for (const observer of this.watching.values()) {
        if (observer.faults.length === 0 && observer.revision < revision)
          throw new Error(`${observer.name} has seen ${observer.revision} of ${revision}`);
      }
    }, 60_000);
    for (const observer of this.watching.values()) observer.stop();
  }
}
