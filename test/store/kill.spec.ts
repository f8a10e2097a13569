import { transformFileSync } from '@swc/core';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '#machinery';
import { openStore } from '#store';

const ROOT = path.resolve(__dirname, '../..');
const KILLS = 100;
/** What the writer spreads its numbers over. */
const KEYS = 500;

let work: string;

beforeAll(() => {
  work = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-kill-'));
  for (const library of ['store', 'raft', 'machinery', 'telemetry'])
    compile(path.join(ROOT, 'libs', library), path.join(work, library));
  fs.writeFileSync(path.join(work, 'package.json'), JSON.stringify({ imports: { '#*': './*/index.js' } }));
});
afterAll(() => fs.rmSync(work, { recursive: true, force: true }));

it(`loses no acknowledged write when its process is killed ${KILLS} times`, async () => {
  // Two stores at a time, because most of the time goes into starting processes.
  const lanes = ['a', 'b'].map((name) => killRepeatedly(path.join(work, name), KILLS / 2));
  for (const total of await Promise.all(lanes)) expect(total).toBeGreaterThan(KILLS);
}, 240_000);

/** @returns how many writes were acknowledged over all lives of the process */
async function killRepeatedly(directory: string, kills: number): Promise<number> {
  let acknowledged = -1;
  let total = 0;
  for (let kill = 0; kill < kills; kill++) {
    // Some at once, while the log is being recovered, some after many segments.
    const last = await writeAndKill(directory, (kill % 10) * 8 + Math.floor(Math.random() * 20));
    total += Math.max(0, last - acknowledged);
    const written = await inspect(directory);
    expect(written).toBeGreaterThanOrEqual(Math.max(acknowledged, last));
    acknowledged = written;
  }
  return total;
}

/** @returns the last number that was acknowledged; -1: none */
function writeAndKill(directory: string, acknowledgements: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const writer = path.join(ROOT, 'test/store/writer.cjs');
    const child = spawn(process.execPath, [writer, path.join(work, 'store/index.js'), directory], {
      env: { ...process.env, NODE_PATH: path.join(ROOT, 'node_modules') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last = -1;
    let seen = 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      last = Math.max(last, Number(line));
      if (++seen > acknowledgements) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(last);
      else reject(new Error(`the writer ended by itself with code ${code}`));
    });
  });
}

/** Checks that the store holds the numbers 0 to n, each where its order puts it. @returns n */
async function inspect(directory: string): Promise<number> {
  const store = await openStore({ directory, clock: systemClock });
  try {
    const text = (value: Uint8Array): string => Buffer.from(value).toString();
    const { kvs: counter } = await store.range({ key: 'next' });
    const last = counter[0] === undefined ? -1 : Number(text(counter[0].value)) - 1;
    const { kvs } = await store.range({ key: 'n/', rangeEnd: 'n0', sort: { target: 'mod', order: 'ascend' } });
    const found = kvs.map(({ value }) => Number(text(value).split(' ')[0]));
    expect(found).toEqual(Array.from({ length: kvs.length }, (_, position) => last + 1 - kvs.length + position));
    expect(kvs.length).toBe(Math.min(KEYS, last + 1));
    for (const { value } of kvs) {
      const [number, filler] = text(value).split(' ');
      expect(filler).toHaveLength((Number(number) * 7) % 900);
    }
    return last;
  } finally {
    await store.close();
  }
}

/** A library as JavaScript. */
function compile(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    if (entry.isDirectory()) compile(source, path.join(to, entry.name));
    else if (/(?<![.](?:spec|contract|fixture))[.]ts$/.test(entry.name)) {
      const { code } = transformFileSync(source, {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs' },
      });
      fs.writeFileSync(path.join(to, entry.name.replace(/ts$/, 'js')), code);
    }
  }
}
