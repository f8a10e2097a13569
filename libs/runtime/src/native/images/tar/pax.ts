import { TarError } from './header';

/** Key and value, both bytes as characters (latin1). A key may come more than once. */
export type PaxRecord = readonly [key: string, value: string];

/** The records of a pax extended header: `length key=value\n` each (POSIX.1-2017, pax, "Extended Header"). */
export function parsePax(content: Buffer): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const digits = space < 0 ? '' : content.toString('latin1', at, space);
    const end = at + Number(digits);
    if (!/^[1-9][0-9]{0,8}$/.test(digits) || end > content.length || content[end - 1] !== 0x0a || end <= space + 1) {
      throw new TarError('an extended header is damaged');
    }
    const record = content.toString('latin1', space + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals < 1) throw new TarError('an extended header is damaged');
    records.push([record.slice(0, equals), record.slice(equals + 1)]);
    at = end;
  }
  return records;
}

/** A decimal number, with a fraction for times. */
export function paxNumber(text: string): number {
  if (!/^-?[0-9]{1,16}(\.[0-9]*)?$/.test(text)) throw new TarError('a number in an extended header is not one');
  const value = Number(text);
  if (!Number.isSafeInteger(Math.trunc(value))) throw new TarError('a number in an extended header is too large');
  return value;
}
