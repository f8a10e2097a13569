import { TarError } from './header';
import { paxNumber, type PaxRecord } from './pax';

/** A piece of a sparse file that is stored; everything between is zeros. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** Each is 16 bytes here, and some ten in the archive. */
const mostExtents = 100_000;

/**
 * The map from its numbers (offset, length, …). Throws unless extents rise, do not overlap, lie in the file and add up to what is stored.
 */
export function extentsOf(numbers: readonly number[], realSize: number, storedSize: number): Extent[] {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * mostExtents) throw new TarError('a sparse map is damaged');
  const extents: Extent[] = [];
  let end = 0;
  let sum = 0;
  for (let at = 0; at < numbers.length; at += 2) {
    const [offset = -1, length = -1] = numbers.slice(at, at + 2);
    if (offset < end || length < 0 || offset + length > realSize) throw new TarError('a sparse map is damaged');
    end = offset + length;
    sum += length;
    extents.push({ offset, length });
  }
  if (sum !== storedSize) throw new TarError('a sparse map does not fit what is stored');
  return extents;
}

/** GNU's pax formats of sparse files, told by their records. */
export interface PaxSparse {
  /** Absent in format 1.0: the map stands before the data. */
  readonly map?: readonly number[];
  readonly realSize: number;
  readonly name?: string;
}

export function paxSparse(records: readonly PaxRecord[]): PaxSparse | undefined {
  const values = new Map(records);
  const name = values.get('GNU.sparse.name');
  const named = name === undefined ? {} : { name };
  if (values.get('GNU.sparse.major') === '1') {
    return { realSize: paxNumber(values.get('GNU.sparse.realsize') ?? ''), ...named };
  }
  const size = values.get('GNU.sparse.size');
  if (size === undefined) return undefined;
  const map = values.get('GNU.sparse.map');
  const numbers =
    map === undefined
      ? records.filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes').map(([, text]) => text)
      : map.split(',').filter((text) => text !== '');
  return { map: numbers.map(paxNumber), realSize: paxNumber(size), ...named };
}

/**
 * Reads the map of format 1.0, decimal numbers on lines of their own in whole blocks; resolves with the map and how much of the entry it took.
 */
export async function readSparseMap(
  readBlock: () => Promise<Buffer>,
): Promise<{ readonly numbers: number[]; readonly bytes: number }> {
  const numbers: number[] = [];
  let bytes = 0;
  let text = '';
  let wanted = Infinity;
  while (numbers.length < wanted) {
    const block = await readBlock();
    bytes += block.length;
    const lines = (text + block.toString('latin1')).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (numbers.length >= wanted) break;
      if (wanted === Infinity) {
        wanted = 2 * paxNumber(line);
        if (wanted > 2 * mostExtents) throw new TarError('a sparse map is too large');
      } else numbers.push(paxNumber(line));
    }
    if (text.length > 32 && numbers.length < wanted) throw new TarError('a sparse map is damaged');
  }
  return { numbers, bytes };
}
