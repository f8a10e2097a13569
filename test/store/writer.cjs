'use strict';
// The process that kill.spec.ts kills: writes numbers to a store and prints each once it is acknowledged.
const [, , library, directory] = process.argv;
const { openStore } = require(library);

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, callback) {
    const handle = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

async function main() {
  // Small segments and frequent snapshots, so that the kill hits every kind of file work.
  const store = await openStore({ directory, clock, segmentBytes: 256 * 1024, snapshotEveryBytes: 512 * 1024 });
  const { kvs } = await store.range({ key: 'next' });
  let next = kvs.length === 0 ? 0 : Number(Buffer.from(kvs[0].value).toString());
  const write = async (n) => {
    const request = (key, value) => ({ type: 'put', request: { key, value: Buffer.from(value) } });
    const key = `n/${String(n % 500).padStart(3, '0')}`;
    const value = `${n} ${'x'.repeat((n * 7) % 900)}`;
    await store.txn({ compare: [], success: [request(key, value), request('next', String(n + 1))] });
    process.stdout.write(`${n}\n`);
  };
  for (let batches = 1; ; batches++) {
    const size = 1 + (next % 40);
    await Promise.all(Array.from({ length: size }, (_, offset) => write(next + offset)));
    next += size;
    const { revision, compactRevision } = await store.status();
    if (batches % 10 === 0 && revision - 100 > compactRevision) await store.compact(revision - 100);
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
