import { blockContains, formatIpv4, parseIpv4, requireIpv4Block, type Ipv4Block } from './ipv4';

export interface IpAllocatorOptions {
  /** Addresses never to be given out, besides those that are reserved by position. */
  readonly reserved?: readonly string[];
}

/**
 * Gives out the addresses of one block, for instance of a node's podCIDR. Deterministic, in memory: its owner rebuilds it
 * with `claim` from what is running. It goes round the block, so that a released address rests as long as possible:
 * peers may still have connections or caches that name it.
 *
 * The first two addresses (network, gateway) and the last (broadcast) are never given out.
 */
export class IpAllocator {
  private readonly block: Ipv4Block;
  private readonly reserved: ReadonlySet<number>;
  private readonly taken = new Set<number>();
  /** Offset where the next search starts. */
  private next = 2;

  constructor(
    readonly cidr: string,
    options: IpAllocatorOptions = {},
  ) {
    this.block = requireIpv4Block(cidr);
    this.reserved = new Set(
      (options.reserved ?? []).flatMap((text) => {
        const address = parseIpv4(text);
        return address !== undefined && this.isUsable(address) ? [address] : [];
      }),
    );
  }

  /** How many addresses are left. */
  get free(): number {
    return Math.max(0, this.block.size - 3) - this.reserved.size - this.taken.size;
  }

  /** A free address, or undefined when the block is exhausted. */
  allocate(): string | undefined {
    if (this.free <= 0) return undefined;
    for (let offset = this.next; ; offset++) {
      if (offset >= this.block.size - 1) offset = 2;
      const address = this.block.first + offset;
      if (this.taken.has(address) || this.reserved.has(address)) continue;
      this.taken.add(address);
      this.next = offset + 1;
      return formatIpv4(address);
    }
  }

  /** Marks an address that is in use already; false if it cannot be given out by this allocator or is taken. */
  claim(text: string): boolean {
    const address = parseIpv4(text);
    if (address === undefined || !this.isUsable(address)) return false;
    if (this.reserved.has(address) || this.taken.has(address)) return false;
    this.taken.add(address);
    this.next = Math.max(this.next, address - this.block.first + 1);
    return true;
  }

  /** Gives an address back. Nothing happens if it was not taken. */
  release(text: string): void {
    const address = parseIpv4(text);
    if (address !== undefined) this.taken.delete(address);
  }

  has(text: string): boolean {
    const address = parseIpv4(text);
    return address !== undefined && this.taken.has(address);
  }

  private isUsable(address: number): boolean {
    const offset = address - this.block.first;
    return blockContains(this.block, address) && offset >= 2 && offset < this.block.size - 1;
  }
}
