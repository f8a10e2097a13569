import ipaddr from 'ipaddr.js';
import { isIpv4 } from './ipv4';

export type IpFamily = 'IPv4' | 'IPv6';

/** The family of an address, or undefined if it is none. Strict for IPv4 (no octal, no short forms), without zones for IPv6. */
export function ipFamily(text: string): IpFamily | undefined {
  if (isIpv4(text)) return 'IPv4';
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text) ? 'IPv6' : undefined;
}

/** RFC 5952's text for an IPv6 address, the text itself for IPv4, undefined for anything else. */
export function canonicalIp(text: string): string | undefined {
  const family = ipFamily(text);
  return family === 'IPv6' ? ipaddr.IPv6.parse(text).toRFC5952String() : family === 'IPv4' ? text : undefined;
}

/** The address's bytes, 4 or 16, in network order; undefined if the text is no address. */
export function ipBytes(text: string): readonly number[] | undefined {
  return ipFamily(text) === undefined ? undefined : ipaddr.parse(text).toByteArray();
}

/** The opposite of `ipBytes`, in canonical form; undefined for any other number of bytes. */
export function ipOfBytes(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  const address = ipaddr.fromByteArray([...bytes]);
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/** `4.3.2.1.in-addr.arpa` or the nibbles under `ip6.arpa`, without a trailing dot; undefined if the text is no address. */
export function reverseName(text: string): string | undefined {
  const family = ipFamily(text);
  if (family === 'IPv4') return `${text.split('.').reverse().join('.')}.in-addr.arpa`;
  const nibbles = ipBytes(text)?.flatMap((byte) => [byte >> 4, byte & 15]);
  if (nibbles === undefined) return undefined;
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}

/** The address that a reverse name stands for; the opposite of `reverseName`. Expects lower case. */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const address = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.');
    return isIpv4(address) ? address : undefined;
  }
  if (!name.endsWith('.ip6.arpa')) return undefined;
  const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.').reverse();
  if (nibbles.length !== 32 || nibbles.some((nibble) => !/^[0-9a-f]$/.test(nibble))) return undefined;
  return canonicalIp(nibbles.join('').replace(/(.{4})(?!$)/g, '$1:'));
}
