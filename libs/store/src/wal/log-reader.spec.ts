import { type Entry } from '#raft';
import { ByteReader } from '../byte-reader';
import { ByteWriter } from '../byte-writer';
import { LogReader } from './log-reader';
import { RecordType, writeEntry, writeHardState, writeSnapshotMark } from './records';

/** A log as it is written: `e 3@2` entry 3 of term 2, `c 3@2` committed up to 3 in term 2, `m 3@2` a snapshot of entry 3 of term 2. */
function read(log: string, start = 0, firstIndex = 1): { handed: string[]; tail: string[]; lastIndex: number } {
  const handed: string[] = [];
  const name = ({ index, term }: Entry): string => `${index}@${term}`;
  const reader = new LogReader(start, firstIndex, (entry) => handed.push(name(entry)));
  for (const record of log.split(', ')) {
    const [, kind, position, ofTerm] = /^(\w) (\d+)@(\d+)$/.exec(record)!;
    const [index, term] = [Number(position), Number(ofTerm)];
    const writer = new ByteWriter();
    if (kind === 'e') writeEntry(writer, { index, term, type: 'normal', data: Buffer.from('x') });
    else if (kind === 'c') writeHardState(writer, { term, vote: 0n, commit: index });
    else writeSnapshotMark(writer, { index, term });
    const type = { e: RecordType.entry, c: RecordType.hardState, m: RecordType.snapshotMark }[kind as 'e' | 'c' | 'm'];
    const body = new ByteReader(writer.toBuffer());
    reader.read({ type, isFirstOfBatch: false, body, crc: 0, end: 0 }, { file: 'log', offset: 7 });
  }
  return { handed, tail: reader.tail.map(name), lastIndex: reader.lastIndex };
}

describe('what a log says', () => {
  it('is committed as far as it says so, and open behind that', () => {
    const log = 'c 0@1, e 1@1, e 2@1, c 1@1, e 3@1';
    expect(read(log)).toEqual({ handed: ['1@1'], tail: ['2@1', '3@1'], lastIndex: 3 });
  });

  it('is what a later leader had instead', () => {
    const log = 'e 1@1, e 2@1, e 3@1, c 1@2, e 2@2, c 1@2, e 3@2, e 4@2, c 3@2, e 4@4, c 4@4';
    expect(read(log)).toEqual({ handed: ['1@1', '2@2', '3@2', '4@4'], tail: [], lastIndex: 4 });
    expect(read('e 1@1, e 2@1, e 3@1, e 2@3')).toEqual({ handed: [], tail: ['1@1', '2@3'], lastIndex: 2 });
  });

  it.each([
    ['e 1@1, e 3@1', 'entry 3 follows entry 1'],
    ['e 1@1, e 2@1, c 2@1, e 2@2', 'entry 2 is written again, but it was committed'],
    ['e 1@1, e 2@2, e 2@2', 'entry 2 of term 2 is written again in term 2'],
    ['e 1@1, e 2@3, e 3@2', 'entry 3 is of an earlier term than the last'],
    ['c 0@5, c 0@4', 'term 4 follows a later one'],
  ])('is damaged: %s', (log, reason) => {
    expect(() => read(log)).toThrow(`log is corrupt at offset 7: ${reason}`);
  });

  it('goes on behind the snapshot, whether it is its own or came from another', () => {
    const log = 'e 1@1, e 2@1, c 2@1, e 3@1, m 2@1, e 4@1, c 3@1';
    expect(read(log, 2)).toEqual({ handed: ['3@1'], tail: ['4@1'], lastIndex: 4 });
    // Nothing of what was here is in the one that came.
    expect(read('e 1@1, e 2@1, e 3@1, m 9@4, c 9@4, e 10@4', 9)).toEqual({ handed: [], tail: ['10@4'], lastIndex: 10 });
    expect(read('e 1@1, e 2@1, e 3@1, m 2@4, c 2@4', 2)).toEqual({ handed: [], tail: [], lastIndex: 2 });
    // It came when the log had it already.
    expect(read('e 1@1, e 2@2, e 3@2, m 2@2, c 2@2', 2)).toEqual({ handed: [], tail: ['3@2'], lastIndex: 3 });
  });

  it('begins with a segment that is not the first', () => {
    expect(read('c 9@1, e 10@1, c 10@1', 9, 10)).toEqual({ handed: ['10@1'], tail: [], lastIndex: 10 });
    expect(() => read('c 9@1, e 12@1', 9, 10)).toThrow('entry 12 follows entry 9');
  });
});
