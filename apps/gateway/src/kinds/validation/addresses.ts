import net from 'node:net';
import { field, type FieldError, type FieldPath, isInRange, isValidPortName } from '#machinery';
import { invalids } from './checks';

export const invalidAddressText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** As Go's `ParseIPSloppy` reads it: upstream still accepts leading zeros in stored addresses, but no zones. */
export function isAddress(text: string): boolean {
  return net.isIP(withoutLeadingZeros(text)) !== 0 && !text.includes('%');
}

export function withoutLeadingZeros(text: string): string {
  return /^[\d.]+$/.test(text) ? text.replace(/\b0+(?=\d)/g, '') : text;
}

export function isIpv6(text: string): boolean {
  return text.includes(':');
}

export function address(value: string, path: FieldPath): FieldError[] {
  return isAddress(value) ? [] : [field.invalid(path, value, invalidAddressText)];
}

export function cidr(value: string, path: FieldPath): FieldError[] {
  return isCidr(value)
    ? []
    : [field.invalid(path, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

export function isCidr(value: string): boolean {
  const [host = '', bits = '', ...rest] = value.split('/');
  return rest.length === 0 && isAddress(host) && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIpv6(host) ? 128 : 32);
}

/** Addresses of this host and this link, and what is said about them. */
const specialRanges: readonly (readonly [string, ...(readonly [string, number, 'ipv4' | 'ipv6'])[]])[] = [
  ['may not be unspecified (0.0.0.0 or ::)', ['0.0.0.0', 32, 'ipv4'], ['::', 128, 'ipv6']],
  ['may not be in the loopback range (127.0.0.0/8, ::1/128)', ['127.0.0.0', 8, 'ipv4'], ['::1', 128, 'ipv6']],
  [
    'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ['169.254.0.0', 16, 'ipv4'],
    ['fe80::', 10, 'ipv6'],
  ],
  [
    'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    ['224.0.0.0', 24, 'ipv4'],
    ['ff02::', 16, 'ipv6'],
  ],
];

const special = specialRanges.map(([text, ...subnets]) => {
  const list = new net.BlockList();
  for (const [host, bits, family] of subnets) list.addSubnet(host, bits, family);
  return { text, list };
});

/** An address that other hosts can be reached at: not this host, not this link. */
export function nonSpecialAddress(value: string, path: FieldPath): FieldError[] {
  if (!isAddress(value)) return [];
  const plain = withoutLeadingZeros(value);
  return special
    .filter(({ list }) => list.check(plain, isIpv6(plain) ? 'ipv6' : 'ipv4'))
    .map(({ text }) => field.invalid(path, value, text));
}

/** A port by number or by name. */
export function portNumberOrName(port: number | string | undefined, path: FieldPath): FieldError[] {
  if (typeof port === 'string') return invalids(isValidPortName(port), path, port);
  return invalids(isInRange(port ?? 0, 1, 65535), path, port ?? 0);
}
