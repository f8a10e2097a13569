import { type Address } from '#process';

/**
 * `ready` gets connections; `draining` (it answers, but not that it is ready) gets no new ones and keeps those that it has; `dead` (it does
 * not answer) loses those as well.
 */
export type BackendState = 'ready' | 'draining' | 'dead';

/** The backends in turn, as their last checks found them. They start as `draining`: nothing is known. */
export class Backends<T extends object> {
  private readonly states = new Map<T, BackendState>();
  private turn = 0;

  constructor(private readonly all: readonly T[]) {
    for (const backend of all) this.states.set(backend, 'draining');
  }

  /** How many are ready. */
  available(): number {
    return this.all.filter((backend) => this.state(backend) === 'ready').length;
  }

  state(backend: T): BackendState {
    return this.states.get(backend) ?? 'dead';
  }

  /** True if that is news. */
  mark(backend: T, state: BackendState): boolean {
    const isNews = this.state(backend) !== state;
    this.states.set(backend, state);
    return isNews;
  }

  /**
   * Whom to try for the next connection, in this order: each in turn comes first among those that are ready. The others follow, since a
   * check may be out of date, and trying costs less than refusing.
   */
  order(): T[] {
    const ready = this.all.filter((backend) => this.state(backend) === 'ready');
    const others = this.all.filter((backend) => this.state(backend) !== 'ready');
    if (ready.length === 0) return others;
    const first = this.turn++ % ready.length;
    return [...ready.slice(first), ...ready.slice(0, first), ...others];
  }
}

export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
