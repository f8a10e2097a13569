// Measures both stores in turns with the same cases, and prints medians side by side.
import { inDirectory, fill, keyOf, withBoth } from './servers.mjs';
import { load, median, put, range } from './load.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
export const VALUE = Buffer.alloc(256, 'v');
const KEYS = 1_000;

const all = { rangeEnd: Buffer.from('/registry0') };
const puts = (clients, goals) => ({ name: 'put', request: put(keyOf(1), VALUE), clients, goals });
const gets = (clients, goals) => ({ name: 'get', request: range(keyOf(1)), clients, goals, least: 256 });
const serializable = (clients) => ({
  name: 'serializable get',
  request: range(keyOf(1), { serializable: true }),
  clients,
  goals: { perSecond: 1.2 },
  least: 256,
});
const ranges = (clients) => ({
  name: `range of ${KEYS} keys`,
  request: range('/registry/', all),
  clients,
  goals: {},
  least: KEYS * 256,
});

export const cases = [
  puts(1, { perSecond: 0.8 }),
  puts(64, { perSecond: 0.8, p99: 1.5 }),
  puts(512, { perSecond: 0.8, p99: 2.5 }),
  gets(1, { perSecond: 1.2 }),
  gets(64, { perSecond: 1.2, p99: 1.5 }),
  gets(512, { perSecond: 1.2, p99: 2.5 }),
  serializable(64),
  ranges(4),
];

/** `BENCH_CASES=put,get` leaves the others out. */
function wanted() {
  const names = process.env.BENCH_CASES?.split(',');
  return names === undefined ? cases : cases.filter(({ name }) => names.includes(name));
}

async function round(store, { name, request, clients, least = 0 }, directory) {
  const client = await store.connect();
  const { revision: before } = await client.status();
  const result = await load(store, request, clients, directory);
  const { revision: after } = await client.status();
  await client.close();
  // h2load does not look at gRPC's status: these do.
  if (name === 'put' && after - before < result.calls) throw new Error(`${store.name} has not put everything`);
  if (result.bytesEach < least) throw new Error(`${store.name} has not answered everything`);
  return result;
}

export function compare(members) {
  return inDirectory((directory) =>
    withBoth(members, async (stores) => {
      for (const store of stores) {
        await fill(store, KEYS, VALUE);
        // Until the code that is measured has been compiled.
        for (const one of [cases[1], cases[4]]) await round(store, one, directory);
      }
      for (const one of wanted()) {
        const results = stores.map(() => []);
        for (let n = 0; n < ROUNDS; n++) {
          for (const [which, store] of stores.entries()) results[which].push(await round(store, one, directory));
        }
        print(one, ...results);
      }
    }),
  );
}

function print({ name, clients, goals }, ours, theirs) {
  const of = (results, figure) => median(results.map((result) => result[figure]));
  const ratio = (figure) => of(ours, figure) / of(theirs, figure);
  const pair = (figure, digits) => `${of(ours, figure).toFixed(digits)} : ${of(theirs, figure).toFixed(digits)}`;
  const goal = (figure) => (goals[figure] === undefined ? '' : ` (goal ${goals[figure]})`);
  process.stdout.write(
    `${`${name}, ${clients} clients`.padEnd(36)} ${pair('perSecond', 0).padStart(16)}/s  ratio ${ratio('perSecond').toFixed(2)}${goal('perSecond').padEnd(11)}` +
      `  p99 ${pair('p99', 1).padStart(14)} ms  ratio ${ratio('p99').toFixed(2)}${goal('p99').padEnd(11)}  CPU ${pair('cpuMicros', 0).padStart(10)} µs a call\n`,
  );
}
