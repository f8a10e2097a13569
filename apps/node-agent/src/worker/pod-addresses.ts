import ipaddr from 'ipaddr.js';

/**
 * Hands out the addresses of the node's podCIDR, one a pod. The network's own, its first (a gateway's, by custom) and its broadcast address are left
 * out. Goes round rather than taking the lowest, so that an address rests before it means another pod.
 */
export class PodAddressPool {
  private readonly taken = new Map<number, string>();
  private base = 0;
  private size = 0;
  private next = 0;

  get isReady(): boolean {
    return this.size > 0;
  }

  /** @param cidr IPv4 */
  configure(cidr: string): void {
    const [address, bits] = ipaddr.IPv4.parseCIDR(cidr);
    this.base = toNumber(ipaddr.IPv4.networkAddressFromCIDR(cidr));
    this.size = 2 ** (32 - bits);
    if (this.size < 4) throw new Error(`podCIDR ${address.toString()}/${bits} has no room for pods`);
  }

  /** A pod was found with this address. */
  claim(uid: string, ip: string): void {
    if (ipaddr.IPv4.isValid(ip)) this.taken.set(toNumber(ipaddr.IPv4.parse(ip)), uid);
  }

  /** Undefined when all are taken. The same pod gets the same address until it is released. */
  allocate(uid: string): string | undefined {
    for (const [address, owner] of this.taken) if (owner === uid && this.contains(address)) return toText(address);
    const usable = this.size - 3;
    for (let tried = 0; tried < usable; tried++) {
      const address = this.base + 2 + ((this.next + tried) % usable);
      if (this.taken.has(address)) continue;
      this.next = (this.next + tried + 1) % usable;
      this.taken.set(address, uid);
      return toText(address);
    }
    return undefined;
  }

  release(uid: string): void {
    for (const [address, owner] of this.taken) if (owner === uid) this.taken.delete(address);
  }

  private contains(address: number): boolean {
    return address >= this.base && address < this.base + this.size;
  }
}

function toNumber(address: ipaddr.IPv4): number {
  return address.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
