// A start with 1,000,000 revisions in the directory, until a linearizable read is answered; and how long the turns of the event loop
// were, in CPU time, while they were written and in everything that has to do with all of them.
import { createRequire } from 'node:module';
import path from 'node:path';
import { inDirectory, keyOf, startOurs } from './servers.mjs';
import { watchTurns } from './turns.mjs';

const require = createRequire(import.meta.url);
const { openStore } = require('../../../dist/libs/store/index.js');
const { systemClock } = require('../../../dist/libs/machinery/index.js');

const REVISIONS = Number(process.env.REVISIONS ?? 1_000_000);
const KEYS = 100_000;
const BATCH = 100;
const GOAL_MS = 3_000;
const VALUE = Buffer.alloc(256, 'v');

const everything = { key: '/registry/', rangeEnd: '/registry0' };

/** Prints how long the turns were while `work` was done. */
async function turnsOf(name, work) {
  const end = watchTurns();
  const start = performance.now();
  await work();
  const { p99, most, over10, count } = end();
  process.stdout.write(
    `${name.padEnd(26)} ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  turns of the event loop p99 ${p99} ms, most ${most} ms (goal 10), ${over10} of ${count} over 10 ms of CPU\n`,
  );
}

await inDirectory(async (directory) => {
  const store = await openStore({ directory: path.join(directory, 'ours-0'), clock: systemClock });
  await turnsOf(`${REVISIONS} puts by ${BATCH}`, async () => {
    for (let n = 0; n < REVISIONS; n += BATCH) {
      await Promise.all(
        Array.from({ length: BATCH }, (_, at) => store.put({ key: keyOf((n + at) % KEYS), value: VALUE })),
      );
    }
  });
  await turnsOf('snapshot', () => store.snapshot());
  await turnsOf('hash', () => store.administration.hash());
  await turnsOf('list', () => store.range(everything));
  await turnsOf('list by revision', () => store.range({ ...everything, sort: { target: 'mod', order: 'descend' } }));
  await turnsOf('watch from the beginning', () => watchAll(store));
  await store.close();
  const server = await startOurs(directory);
  const ms = performance.now() - server.leader.startedAt;
  const cpu = server.leader.cpuMs();
  process.stdout.write(
    `restart  ${ms.toFixed(0)} ms  goal ${GOAL_MS} ms, ratio ${(ms / GOAL_MS).toFixed(2)}  CPU ${cpu} ms, resident ${server.leader.residentMiB().toFixed(0)} MiB\n`,
  );
  await server.stop();
  const again = await openStore({ directory: path.join(directory, 'ours-0'), clock: systemClock });
  await turnsOf('compaction of the half', async () => {
    await again.compact(REVISIONS / 2);
    await again.administration.defragment();
  });
  // One step, whatever it takes: readers see all of it or nothing.
  await turnsOf(`deletion of ${KEYS} keys`, () => again.deleteRange(everything));
  await again.close();
});

/** Resolves when a watch from the first revision has come to the last. */
function watchAll(store) {
  return new Promise((resolve, reject) => {
    const handler = { onBatch: ({ revision }) => revision > REVISIONS && resolve(watch.cancel()), onEnd: reject };
    const watch = store.watch({ ...everything, startRevision: 1 }, handler);
  });
}
