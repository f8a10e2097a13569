import { readFileSync } from 'node:fs';
import { isIpv4 } from '#network';
import { type Setting } from './settings';

/** Where to listen or connect. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a variable of each kind becomes. */
export interface Kinds {
  string: string;
  /** Comma separated, without empty entries. */
  list: readonly string[];
  /** Comma separated. */
  urls: readonly string[];
  integer: number;
  /** `host:port`, `[::1]:port`; port 0 is any free one. */
  address: Address;
  addresses: readonly Address[];
  /** IPv4. */
  ip: string;
  cidr: string;
  /** `30000-32767`, both included. */
  range: readonly [number, number];
  /** `250ms`, `15s`, `5m`, `1h`: milliseconds. */
  duration: number;
  bool: boolean;
  /** The content of the file that the variable names. */
  file: string;
  /** One of the setting's choices. */
  choice: string;
}

type Parser<T> = (text: string, setting: Setting) => T;

/** Each throws an `Error` whose message completes “… but”. */
export const parsers: { readonly [K in keyof Kinds]: Parser<Kinds[K]> } = {
  string: (text) => text,
  list: splitList,
  urls: (text) =>
    splitList(text).map((entry) =>
      URL.canParse(entry) ? entry : refuse(`${entry} is not a URL like nats://host:port`),
    ),
  integer: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : refuse('it must be a number')),
  address: parseAddress,
  addresses: (text) => splitList(text).map(parseAddress),
  ip: (text) => (isIpv4(text) ? text : refuse('it must be an IPv4 address like 10.0.0.1')),
  cidr: (text) => {
    const [address = '', prefix = '', ...rest] = text.split('/');
    const isNetwork = isIpv4(address) && /^\d{1,2}$/.test(prefix) && Number(prefix) <= 32 && rest.length === 0;
    return isNetwork ? text : refuse('it must be an IPv4 network like 10.96.0.0/16');
  },
  range: (text) => {
    const [, first = '', last = ''] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
    const [low, high] = [Number(first), Number(last)];
    if (first === '' || low < 1 || high > 65_535 || low > high) return refuse('it must be two ports like 30000-32767');
    return [low, high];
  },
  duration: (text) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
    const factor = unit === undefined ? undefined : { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit];
    return factor === undefined ? refuse('it must be a duration like 500ms, 15s or 5m') : Number(number) * factor;
  },
  bool: (text) => {
    if (/^(true|1|yes|on)$/i.test(text)) return true;
    return /^(false|0|no|off)$/i.test(text) ? false : refuse('it must be true or false');
  },
  file: (text) => {
    try {
      return readFileSync(text, 'utf8');
    } catch (error) {
      return refuse(`that file cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
    }
  },
  choice: (text, { choices = [] }) =>
    choices.includes(text) ? text : refuse(`it must be one of ${choices.join(', ')}`),
};

function refuse(cause: string): never {
  throw new Error(cause);
}

function splitList(text: string): readonly string[] {
  const entries = text.split(',').flatMap((entry) => (entry.trim() === '' ? [] : [entry.trim()]));
  return entries.length === 0 ? refuse('it must have at least one entry') : entries;
}

function parseAddress(text: string): Address {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || host === '' || port > 65_535)
    return refuse(`${text} is not an address like 127.0.0.1:6443`);
  return { host, port };
}
