import { blocksOverlap, formatIpv4Block, parseIpv4Block, requireIpv4Block, type Ipv4Block } from './ipv4';

/**
 * Divides a cluster CIDR into one block per node. In memory: its owner claims what nodes have before it allocates.
 * Goes round, like upstream's, so that the block of a node that was just removed is not given to the next one at once.
 */
export class NodeCidrAllocator {
  private readonly cluster: Ipv4Block;
  private readonly count: number;
  private readonly taken = new Set<number>();
  private next = 0;

  /** @param prefix of a node's block, 24 by default as upstream; at most 16 bits longer than the cluster's */
  constructor(
    clusterCidr: string,
    private readonly prefix = 24,
  ) {
    this.cluster = requireIpv4Block(clusterCidr);
    if (prefix < this.cluster.prefix || prefix > 32 || prefix - this.cluster.prefix > 16) {
      throw new RangeError(`a node's block cannot be /${prefix} in ${clusterCidr}`);
    }
    this.count = 2 ** (prefix - this.cluster.prefix);
  }

  /** A free block, or undefined when all are taken. */
  allocate(): string | undefined {
    for (let tried = 0; tried < this.count; tried++) {
      const index = (this.next + tried) % this.count;
      if (this.taken.has(index)) continue;
      this.taken.add(index);
      this.next = (index + 1) % this.count;
      return formatIpv4Block({ ...this.blockSize(), first: this.cluster.first + index * this.blockSize().size });
    }
    return undefined;
  }

  /** Marks what a node has already, whatever its size. False if it is outside of the cluster CIDR or overlaps something taken. */
  claim(cidr: string): boolean {
    const indexes = this.indexesOf(cidr);
    if (indexes.length === 0 || indexes.some((index) => this.taken.has(index))) return false;
    for (const index of indexes) this.taken.add(index);
    return true;
  }

  release(cidr: string): void {
    for (const index of this.indexesOf(cidr)) this.taken.delete(index);
  }

  private blockSize(): Omit<Ipv4Block, 'first'> {
    return { prefix: this.prefix, size: 2 ** (32 - this.prefix) };
  }

  private indexesOf(cidr: string): number[] {
    const block = parseIpv4Block(cidr);
    if (block === undefined || !blocksOverlap(this.cluster, block)) return [];
    const { size } = this.blockSize();
    const from = Math.max(0, Math.floor((block.first - this.cluster.first) / size));
    const to = Math.min(this.count - 1, Math.floor((block.first + block.size - 1 - this.cluster.first) / size));
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  }
}
