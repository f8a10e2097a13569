import { type Backend } from '#network';

/** Chooses backends for the connections of one node port. */
export class ForwarderTarget {
  private backends: readonly Backend[] = [];
  private affinityMs: number | undefined;
  private last: { readonly backend: Backend; readonly at: number } | undefined;

  /** @param random 0 ≤ x < 1 */
  constructor(
    private readonly random: () => number,
    private readonly monotonic: () => number,
  ) {}

  update(backends: readonly Backend[], affinitySeconds: number | undefined): void {
    this.backends = backends;
    this.affinityMs = affinitySeconds === undefined ? undefined : affinitySeconds * 1000;
  }

  /** Backends in the order in which they should be tried: all clients come from this host, so affinity is one backend for all. */
  order(): Backend[] {
    const order = [...this.backends];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(this.random() * (i + 1));
      [order[i], order[j]] = [order[j] as Backend, order[i] as Backend];
    }
    const { last } = this;
    if (this.affinityMs === undefined || last === undefined || this.monotonic() - last.at > this.affinityMs)
      return order;
    const isLast = ({ ip, port }: Backend): boolean => ip === last.backend.ip && port === last.backend.port;
    return order.sort((a, b) => Number(isLast(b)) - Number(isLast(a)));
  }

  /** A connection to this backend has been made. */
  used(backend: Backend): void {
    this.last = { backend, at: this.monotonic() };
  }
}
