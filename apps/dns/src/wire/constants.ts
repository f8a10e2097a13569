/** Numbers of RFC 1035, 2782, 6891 that this server knows by name. */
export const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

export type Rcode = keyof typeof rcodes;

export const CLASS_IN = 1;

const typeNames: ReadonlyMap<number, string> = new Map(Object.entries(types).map(([name, number]) => [number, name]));
const rcodeNames: ReadonlyMap<number, string> = new Map(Object.entries(rcodes).map(([name, number]) => [number, name]));

/** For metrics: `other` for what is not in the table, so that a client cannot make label values. */
export function typeName(type: number): string {
  return typeNames.get(type) ?? 'other';
}

export function rcodeName(rcode: number): string {
  return rcodeNames.get(rcode) ?? 'other';
}
