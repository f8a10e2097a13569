import { type Compare, type KeyValue } from '../key-value-store';
import { type Keyspace } from './keyspace';

/** A condition on a range holds if it holds for each of its keys. */
export function holds(compare: Compare, keyspace: Keyspace): boolean {
  const versions = keyspace.currentIn(compare);
  if (versions.length === 0) {
    // A key that is not there has revisions, version and lease 0, but no value that anything could be compared with.
    return compare.target !== 'value' && isOrdered(compare.result, ordering(compare, undefined));
  }
  return versions.every(({ kv }) => isOrdered(compare.result, ordering(compare, kv)));
}

function ordering(compare: Compare, kv: KeyValue | undefined): number {
  switch (compare.target) {
    case 'version':
      return (kv?.version ?? 0) - Number(compare.operand);
    case 'create':
      return (kv?.createRevision ?? 0) - Number(compare.operand);
    case 'mod':
      return (kv?.modRevision ?? 0) - Number(compare.operand);
    case 'lease': {
      const [lease, operand] = [kv?.lease ?? 0n, BigInt(compare.operand as number | bigint)];
      return lease < operand ? -1 : lease > operand ? 1 : 0;
    }
    case 'value':
      return Buffer.compare(kv!.value, compare.operand as Uint8Array);
  }
}

function isOrdered(result: Compare['result'], order: number): boolean {
  switch (result) {
    case 'equal':
      return order === 0;
    case 'not-equal':
      return order !== 0;
    case 'greater':
      return order > 0;
    case 'less':
      return order < 0;
  }
}
