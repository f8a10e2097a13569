/** Bits of the key usage extension by Kubernetes' names of them, in the order of RFC 5280, 4.2.1.3. */
const bits: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
};

/** Purposes of the extended key usage extension (RFC 5280, 4.2.1.12, and what vendors added). */
const purposes: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/** All usages that a CertificateSigningRequest may name, sorted. */
export const keyUsageNames: readonly string[] = [...Object.keys(bits), ...Object.keys(purposes)].sort();

export function isKeyUsage(name: string): boolean {
  return Object.hasOwn(bits, name) || Object.hasOwn(purposes, name);
}

/** @throws Error in upstream's words for usages that nobody knows */
export function keyUsages(names: readonly string[]): { readonly flags: number; readonly extended: readonly string[] } {
  const unknown = names.filter((name) => !isKeyUsage(name));
  if (unknown.length > 0) throw new Error(`unrecognized usage values: ${JSON.stringify(unknown)}`);
  const extended = new Set(names.flatMap((name) => purposes[name] ?? []));
  return {
    flags: names.reduce((flags, name) => flags | (bits[name] === undefined ? 0 : 1 << bits[name]), 0),
    extended: [...extended].sort(),
  };
}
