import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pauseCode } from './pause-program';
import { staticElf } from './static-elf';

const directory = mkdtempSync(join(tmpdir(), 'nestor-pause-'));
afterAll(() => rmSync(directory, { recursive: true }));

const host = process.arch === 'x64' || process.arch === 'arm64' ? process.arch : undefined;
const isRunnable = process.platform === 'linux' && host !== undefined;

test.each(['x64', 'arm64'] as const)('the executable for %s is a few hundred bytes of ELF', (architecture) => {
  const file = staticElf(architecture, pauseCode(architecture));
  expect(file.length).toBeLessThan(400);
  expect(file.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
  expect(Number(file.readBigUInt64LE(24))).toBe(0x400078);
});

test('the code for arm64 branches to where it should', () => {
  const code = pauseCode('arm64');
  const words = Array.from({ length: code.length / 4 }, (_, index) => code.readUInt32LE(index * 4));
  const targetOf = (index: number): number => {
    const word = words[index] ?? 0;
    const isConditional = word >>> 24 === 0x54;
    const distance = isConditional ? (word << 8) >> 13 : (word << 6) >> 6;
    return index + distance;
  };
  const branches = words.flatMap((word, index) =>
    word >>> 24 === 0x54 || word >>> 26 === 0x05 ? [[index, targetOf(index)]] : [],
  );
  const [wait, reap, exit] = [10, 20, 29];
  expect(branches).toEqual([
    [17, exit],
    [19, exit],
    [27, reap],
    [28, wait],
  ]);
  expect(words.length).toBe(32);
});

(isRunnable ? describe : describe.skip)('on this machine', () => {
  const file = join(directory, 'pause');

  beforeAll(() => {
    if (host === undefined) return;
    writeFileSync(file, staticElf(host, pauseCode(host)));
    chmodSync(file, 0o755);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('it waits, and exits with 0 on %s', async (signal) => {
    const child = spawn(file, { stdio: 'ignore' });
    await once(child, 'spawn');
    await isWaiting(child.pid ?? 0);
    child.kill('SIGCHLD');
    expect(child.exitCode).toBeNull();
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

/** It sleeps, hence waits for a signal: there is nothing else in it that sleeps. */
async function isWaiting(pid: number): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!/\(pause\) S/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) {
    if (Date.now() > deadline) throw new Error('it does not wait');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
