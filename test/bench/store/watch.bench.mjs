// Fan-out: puts that 100 watchers of one stream hear of, events a second over all watchers from the first put to the last delivery.
import { fill, keyOf, withBoth } from './servers.mjs';
import { median } from './load.mjs';

const WATCHERS = 100;
const PUTS = 500;
const ROUNDS = 3;
const VALUE = Buffer.alloc(256, 'v');
const all = { key: '/registry/', rangeEnd: '/registry0' };

async function fanOut(store) {
  const [writer, watching] = [await store.connect(), await store.connect()];
  let seen = 0;
  let done;
  const finished = new Promise((resolve, reject) => {
    done = (error) => (error ? reject(error) : resolve());
  });
  for (let n = 0; n < WATCHERS; n++) {
    const onBatch = ({ events }) => {
      seen += events.length;
      if (seen >= WATCHERS * PUTS) done();
    };
    watching.watch(all, { onBatch, onEnd: done });
  }
  // A write through the same client waits until all watches are open.
  await watching.put({ key: 'ready', value: VALUE });
  const cpuBefore = store.leader.cpuMs();
  const start = performance.now();
  await Promise.all(Array.from({ length: PUTS }, (_, n) => writer.put({ key: keyOf(n), value: VALUE })));
  await finished;
  const seconds = (performance.now() - start) / 1000;
  const cpuMicros = ((store.leader.cpuMs() - cpuBefore) * 1000) / seen;
  await Promise.all([writer.close(), watching.close()]);
  return { perSecond: seen / seconds, cpuMicros };
}

await withBoth(1, async (stores) => {
  const results = stores.map(() => []);
  for (const store of stores) {
    await fill(store, 1_000, VALUE);
    await fanOut(store);
  }
  for (let n = 0; n < ROUNDS; n++) {
    for (const [which, store] of stores.entries()) results[which].push(await fanOut(store));
  }
  const of = (figure) => results.map((each) => median(each.map((result) => result[figure])));
  const [ours, theirs] = of('perSecond');
  const [ourCpu, theirCpu] = of('cpuMicros');
  process.stdout.write(
    `events to ${WATCHERS} watchers  ${ours.toFixed(0)} : ${theirs.toFixed(0)}/s  ratio ${(ours / theirs).toFixed(2)}` +
      `  CPU ${ourCpu.toFixed(1)} : ${theirCpu.toFixed(1)} µs an event (the client that hears them is the same process for both, and limits)\n`,
  );
});
