import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { systemClock } from '#machinery';
import { type LogOptions } from '../container-runtime';
import { copyLog, parseEntry } from './container-log';
import { olderLogs, rotate } from './log-rotation';

const stamp = '2026-01-02T03:04:05.000000006+00:00';

describe('a log in the format of CRI', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nestor-log-'));
    file = join(directory, 'log');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function read(options: Partial<LogOptions> = {}): Promise<string> {
    let text = '';
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    const source = { file, clock: systemClock, isComplete: () => Promise.resolve(true) };
    await copyLog(source, { follow: false, timestamps: false, ...options }, { stdout: output, stderr: output });
    return text;
  }

  test('pieces of a line become one, with one timestamp', async () => {
    writeFileSync(file, `${stamp} stdout P one \n${stamp} stdout F line\n${stamp} stderr F other\n`);
    expect(await read()).toBe('one line\nother\n');
    const time = '2026-01-02T03:04:05.000000006Z';
    expect(await read({ timestamps: true })).toBe(`${time} one line\n${time} other\n`);
    expect(await read({ tailLines: 1 })).toBe('other\n');
    expect(await read({ stream: 'Stdout', limitBytes: 3 })).toBe('one');
    expect(await read({ since: Date.parse('2027-01-01') })).toBe('');
  });

  test('older files come first, and what rotation leaves is read to the end', async () => {
    for (const line of ['a', 'b', 'c']) {
      writeFileSync(file, `${stamp} stdout F ${line}\n`);
      expect(await rotate(file, 1)).toBe(true);
    }
    expect(await read()).toBe('a\nb\nc\n');
    writeFileSync(file, `${stamp} stdout F d\n`);
    expect(await read()).toBe('a\nb\nc\nd\n');
    expect(await rotate(file)).toBe(false);
  });

  test('a slow reader misses nothing when the log is rotated twice behind it', async () => {
    const line = (number: number): string => `${stamp} stdout F ${number}\n`;
    writeFileSync(file, line(0));
    let text = '';
    let isDone = false;
    const output = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        const written = text.split('\n').length - 1;
        const next = written < 4 ? rotate(file, 1).then(() => writeFileSync(file, line(2 * written - 1))) : undefined;
        const after = next?.then(() => rotate(file, 1)).then(() => writeFileSync(file, line(2 * written)));
        isDone = written > 6;
        void Promise.resolve(after).then(() => done());
      },
    });
    const source = { file, clock: systemClock, isComplete: () => Promise.resolve(isDone) };
    await copyLog(source, { follow: true, timestamps: false }, { stdout: output, stderr: output });
    expect(text).toBe('0\n1\n2\n3\n4\n5\n6\n');
  });

  test('whoever was killed while rotating is made up for', async () => {
    writeFileSync(`${file}.1`, `${stamp} stdout F a\n`);
    expect(await rotate(file)).toBe(true);
    rmSync(`${file}.1`);
    expect(await rotate(file)).toBe(false);
  });

  test('no more than five files are kept', async () => {
    for (let line = 0; line < 8; line++) {
      writeFileSync(file, `${stamp} stdout F ${line}\n`);
      await rotate(file, 1);
    }
    expect(olderLogs(file)).toHaveLength(4);
    expect(await read()).toBe('4\n5\n6\n7\n');
  });

  test('half a line, or nonsense, is left out', () => {
    for (const text of ['', 'x', `${stamp} stdout`, `${stamp} elsewhere F text`]) {
      expect(parseEntry(Buffer.from(text))).toBeUndefined();
    }
  });
});
