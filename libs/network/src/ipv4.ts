/**
 * IPv4 addresses as unsigned 32-bit numbers: allocators and rules handle thousands of them, so no objects and no bigint.
 * Parsing is strict, as Go's netip: four decimal octets without leading zeros.
 */

/** The address as a number, or undefined if the text is not an IPv4 address. */
export function parseIpv4(text: string): number | undefined {
  let value = 0;
  let octet = -1;
  let octets = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? 46 : text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0 || ++octets > 4) return undefined;
      value = value * 256 + octet;
      octet = -1;
    } else if (code >= 48 && code <= 57) {
      if (octet === 0) return undefined;
      octet = (octet < 0 ? 0 : octet * 10) + code - 48;
      if (octet > 255) return undefined;
    } else {
      return undefined;
    }
  }
  return octets === 4 ? value : undefined;
}

export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

export function isIpv4(text: string): boolean {
  return parseIpv4(text) !== undefined;
}

/** A block of IPv4 addresses; `first` has all host bits zero. */
export interface Ipv4Block {
  readonly first: number;
  readonly prefix: number;
  /** How many addresses, 2^(32-prefix). */
  readonly size: number;
}

/** The block that the text names, host bits cleared, or undefined if it is not an IPv4 CIDR. */
export function parseIpv4Block(text: string): Ipv4Block | undefined {
  const slash = text.indexOf('/');
  const address = parseIpv4(text.slice(0, Math.max(0, slash)));
  const length = text.slice(slash + 1);
  if (address === undefined || !/^(?:\d|[12]\d|3[0-2])$/.test(length)) return undefined;
  const prefix = Number(length);
  const size = 2 ** (32 - prefix);
  return { first: address - (address % size), prefix, size };
}

/** As `parseIpv4Block`, for configuration: throws on anything else. */
export function requireIpv4Block(text: string): Ipv4Block {
  const block = parseIpv4Block(text);
  if (block === undefined) throw new RangeError(`not an IPv4 CIDR: ${JSON.stringify(text)}`);
  return block;
}

export function formatIpv4Block({ first, prefix }: Ipv4Block): string {
  return `${formatIpv4(first)}/${prefix}`;
}

export function blockContains(block: Ipv4Block, address: number): boolean {
  return address >= block.first && address < block.first + block.size;
}

export function blocksOverlap(a: Ipv4Block, b: Ipv4Block): boolean {
  return a.first < b.first + b.size && b.first < a.first + a.size;
}

/** Whether the address, as text, is in the CIDR, as text. False if either is not IPv4. */
export function isInCidr(address: string, cidr: string): boolean {
  const value = parseIpv4(address);
  const block = parseIpv4Block(cidr);
  return value !== undefined && block !== undefined && blockContains(block, value);
}

/** The n-th address of a CIDR: `nthAddress('10.96.0.0/16', 10)` is the DNS service's. Throws if the block has none. */
export function nthAddress(cidr: string, n: number): string {
  const block = requireIpv4Block(cidr);
  if (!Number.isInteger(n) || n < 0 || n >= block.size) throw new RangeError(`${cidr} has no address number ${n}`);
  return formatIpv4(block.first + n);
}
