/** IPv4 addresses of a CIDR as numbers. */
export interface AddressRange {
  readonly cidr: string;
  readonly first: number;
  readonly size: number;
}

/** @throws RangeError if it is not an IPv4 CIDR of a useful size */
export function parseCidr(cidr: string): AddressRange {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  const bits = Number(match?.[5] ?? 33);
  const address = parseAddress(cidr.split('/')[0] ?? '');
  if (match === null || address === undefined || bits > 30) throw new RangeError(`not a usable IPv4 CIDR: ${cidr}`);
  const size = 2 ** (32 - bits);
  return { cidr, first: address - (address % size), size };
}

/** An address as a number, or undefined if it is none. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

export function contains({ first, size }: AddressRange, address: number): boolean {
  // Network and broadcast addresses are nobody's.
  return address > first && address < first + size - 1;
}

/**
 * Upstream's split of a range (KEP-3070, KEP-3668): the lower part is for addresses that people choose, and taken by
 * allocation only when the upper part is full.
 */
export function lowerBandSize(size: number): number {
  return Math.min(Math.max(16, Math.floor(size / 16)), 256);
}

/**
 * A free number of `[first, first + size)`, random in the upper band, then in the lower.
 * @returns undefined if there is none
 */
export function chooseFree(
  first: number,
  size: number,
  band: number,
  isTaken: (value: number) => boolean,
  random: () => number,
): number | undefined {
  for (const [from, count] of [
    [first + band, size - band],
    [first, band],
  ] as const) {
    if (count <= 0) continue;
    const start = Math.floor(random() * count);
    for (let i = 0; i < count; i++) {
      const candidate = from + ((start + i) % count);
      if (!isTaken(candidate)) return candidate;
    }
  }
  return undefined;
}
