// Puts through the store against the bare disk: write and fdatasync of batches of the same bytes, in the same run.
// Needs dist/libs/store (npm run build).
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const { openStore } = require('../../../dist/libs/store/index.js');
const [writev, fdatasync] = [promisify(fs.writev), promisify(fs.fdatasync)];

const PUTS = Number(process.env.PUTS ?? 40_000);
const BATCH = 100;
const VALUE = Buffer.alloc(512, 'v');
const ROUNDS = 3;
const key = (n) => `/registry/pods/default/pod-${String(n % 10_000).padStart(6, '0')}`;
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (ms, callback) => {
    const handle = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};
const directory = fs.mkdtempSync(path.join(process.env.BENCH_DIR ?? os.tmpdir(), 'nestor-bench-'));

async function perSecond(work) {
  const start = performance.now();
  await work();
  return PUTS / ((performance.now() - start) / 1000);
}

async function rawDisk() {
  const file = fs.openSync(path.join(directory, 'raw'), 'w');
  for (let n = 0; n < PUTS; n += BATCH) {
    const buffers = Array.from({ length: BATCH }, (_, offset) => [Buffer.from(key(n + offset)), VALUE]).flat();
    await writev(file, buffers);
    await fdatasync(file);
  }
  fs.closeSync(file);
}

async function puts(round) {
  const store = await openStore({ directory: path.join(directory, `store-${round}`), clock });
  const rate = await perSecond(async () => {
    for (let n = 0; n < PUTS; n += BATCH) {
      await Promise.all(
        Array.from({ length: BATCH }, (_, offset) => store.put({ key: key(n + offset), value: VALUE })),
      );
    }
  });
  await store.close();
  return rate;
}

try {
  const best = { raw: 0, store: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    best.raw = Math.max(best.raw, await perSecond(rawDisk));
    best.store = Math.max(best.store, await puts(round));
  }
  const figure = (value) => Math.round(value).toLocaleString('en');
  console.log(`raw writev + fdatasync: ${figure(best.raw)} records/s in batches of ${BATCH}`);
  console.log(`store put:              ${figure(best.store)} puts/s, ${(best.store / best.raw).toFixed(2)}x of raw`);
} finally {
  fs.rmSync(directory, { recursive: true });
}
