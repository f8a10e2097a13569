import { describeWith } from '../tools/requirements';
import { runLeaks } from './leaks/leaks';

const env = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** `npm run leaks -- --help` says how to run it for longer, or again. */
const minutes = env('LEAKS_MINUTES', 0.25);
const pods = env('LEAKS_PODS', 25);
const seed = env('LEAKS_SEED', Math.floor(Math.random() * 2 ** 31));

describeWith(
  ['runc', 'root', 'ip', 'nft', 'nats'],
  'a node without an engine whose agent is killed again and again',
  () => {
    it(
      'leaves nothing of its pods, and restarts none without cause',
      async () => {
        const say = (line: string): void =>
          void process.stderr.write(`leaks (seed ${seed}, ${process.uptime().toFixed(0)} s): ${line}\n`);
        const { faults, left, counts } = await runLeaks({ durationMs: minutes * 60_000, pods, seed, say });
        say(
          JSON.stringify({ ...counts, left: Object.fromEntries(Object.entries(left).map(([k, v]) => [k, v.length])) }),
        );
        expect({ faults, left: Object.values(left).flat() }).toEqual({ faults: [], left: [] });
        // A node that did nothing left nothing.
        expect(counts['agents killed']).toBeGreaterThan(0);
        expect(counts['removed']).toBeGreaterThan(0);
      },
      minutes * 60_000 + 420_000,
    );
  },
);
