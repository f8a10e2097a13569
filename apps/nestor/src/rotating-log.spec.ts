import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RotatingLog } from './rotating-log';

describe('the log', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'nestor-log-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const failures: Error[] = [];
  const open = (maxBytes = 100, keep = 2): RotatingLog =>
    new RotatingLog(join(directory, 'log'), { maxBytes, keep, onError: (error) => failures.push(error) });
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');

  it('keeps the newest lines, whole, in a few files of a few bytes', async () => {
    const log = open();
    for (let i = 100; i < 200; i++) log.write(`line ${i} ........\n`);
    await log.end();
    expect(readdirSync(directory).sort()).toEqual(['log', 'log.1', 'log.2']);
    const lines = (read('log.2') + read('log.1') + read('log')).trim().split('\n');
    expect(lines.at(-1)).toBe('line 199 ........');
    lines.forEach((line, i) => expect(line).toBe(`line ${200 - lines.length + i} ........`));
    for (const name of readdirSync(directory)) {
      const { size, mode } = statSync(join(directory, name));
      expect(size).toBeLessThanOrEqual(100);
      expect(mode & 0o777).toBe(0o600);
    }
  });

  it('goes on where an earlier process ended', async () => {
    const first = open();
    first.write('a'.repeat(90));
    await first.end();
    const second = open();
    second.write('b'.repeat(20));
    await second.end();
    expect([read('log.1').length, read('log')]).toEqual([90, 'b'.repeat(20)]);
  });

  it('says once that it cannot write, and lives on', async () => {
    const log = new RotatingLog(join(directory, 'no', 'such', 'log'), {
      maxBytes: 10,
      keep: 1,
      onError: (error) => failures.push(error),
    });
    for (let i = 0; i < 5; i++) log.write('0123456789');
    await log.end();
    expect(failures.map((error) => (error as NodeJS.ErrnoException).code)).toEqual(['ENOENT']);
  });
});
