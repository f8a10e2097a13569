// A start with 1,000,000 revisions in the directory, until a linearizable read is answered; and the longest that the event loop stood
// still while they were written, with all the snapshots and a compaction of the half on the way.
import { createRequire } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import path from 'node:path';
import { inDirectory, keyOf, startOurs } from './servers.mjs';

const require = createRequire(import.meta.url);
const { openStore } = require('../../../dist/libs/store/index.js');
const { systemClock } = require('../../../dist/libs/machinery/index.js');

const REVISIONS = Number(process.env.REVISIONS ?? 1_000_000);
const KEYS = 100_000;
const BATCH = 1_000;
const GOAL_MS = 3_000;
const VALUE = Buffer.alloc(256, 'v');

await inDirectory(async (directory) => {
  const store = await openStore({ directory: path.join(directory, 'ours-0'), clock: systemClock });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const start = performance.now();
  delay.enable();
  for (let n = 0; n < REVISIONS; n += BATCH) {
    const puts = Array.from({ length: BATCH }, (_, at) => store.put({ key: keyOf((n + at) % KEYS), value: VALUE }));
    await Promise.all(puts);
  }
  delay.disable();
  const seconds = (performance.now() - start) / 1000;
  const figure = (nanos) => `${(nanos / 1e6).toFixed(0)} ms`;
  process.stdout.write(
    `${REVISIONS} puts in batches of ${BATCH}: ${(REVISIONS / seconds).toFixed(0)}/s, event loop late p50 ${figure(delay.percentile(50))}, p99 ${figure(delay.percentile(99))}, most ${figure(delay.max)}\n`,
  );
  const idle = monitorEventLoopDelay({ resolution: 1 });
  idle.enable();
  await store.snapshot();
  await store.compact(REVISIONS / 2);
  await store.administration.defragment();
  idle.disable();
  process.stdout.write(
    `snapshot and compaction of ${KEYS} keys: event loop late p99 ${figure(idle.percentile(99))}, most ${figure(idle.max)} (goal 10 ms)\n`,
  );
  await store.close();
  const server = await startOurs(directory);
  const ms = performance.now() - server.leader.startedAt;
  const cpu = server.leader.cpuMs();
  process.stdout.write(
    `restart  ${ms.toFixed(0)} ms  goal ${GOAL_MS} ms, ratio ${(ms / GOAL_MS).toFixed(2)}  CPU ${cpu} ms\n`,
  );
  await server.stop();
});
