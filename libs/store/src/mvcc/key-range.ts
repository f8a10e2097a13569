import { type Key, type KeyRange } from '../key-value-store';

/** Above every key, whose code units are bytes. */
const BEYOND_ALL_KEYS = '\uffff';

/** The first key not in the range; undefined if the range is the single key. */
export function endOf(range: KeyRange): Key | undefined {
  if (range.rangeEnd === undefined || range.rangeEnd === '') return undefined;
  return range.rangeEnd === '\0' ? BEYOND_ALL_KEYS : range.rangeEnd;
}

export function contains(range: KeyRange, key: Key): boolean {
  const end = endOf(range);
  return end === undefined ? key === range.key : key >= range.key && key < end;
}

/** The smallest key greater than `key`. */
export function keyAfter(key: Key): Key {
  return `${key}\0`;
}
