import { type Backend } from '#network';

/** Clients that one port remembers; beyond that the one that came first is forgotten. */
const MAX_CLIENTS = 4096;

/** Chooses backends for the connections of one port. */
export class ForwarderTarget {
  private backends: readonly Backend[] = [];
  private affinityMs: number | undefined;
  /** By client: where its last connection went. */
  private readonly last = new Map<string, { readonly backend: Backend; readonly at: number }>();

  /** @param random 0 ≤ x < 1 */
  constructor(
    private readonly random: () => number,
    private readonly monotonic: () => number,
  ) {}

  update(backends: readonly Backend[], affinitySeconds: number | undefined): void {
    this.backends = backends;
    this.affinityMs = affinitySeconds === undefined ? undefined : affinitySeconds * 1000;
  }

  /** Backends in the order in which they should be tried. @param client its address */
  order(client: string): Backend[] {
    const order = [...this.backends];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(this.random() * (i + 1));
      [order[i], order[j]] = [order[j] as Backend, order[i] as Backend];
    }
    const last = this.last.get(client);
    if (this.affinityMs === undefined || last === undefined || this.monotonic() - last.at > this.affinityMs)
      return order;
    const isLast = ({ ip, port }: Backend): boolean => ip === last.backend.ip && port === last.backend.port;
    return order.sort((a, b) => Number(isLast(b)) - Number(isLast(a)));
  }

  /** A connection of a client to this backend has been made. */
  used(client: string, backend: Backend): void {
    if (this.affinityMs === undefined) return;
    const [oldest] = this.last.keys();
    if (this.last.size >= MAX_CLIENTS && oldest !== undefined) this.last.delete(oldest);
    this.last.delete(client);
    this.last.set(client, { backend, at: this.monotonic() });
  }
}
