import { describeWith } from '../tools/requirements';
import { runChaos } from './chaos';
import { etcdMembers, nestorMembers } from './member-kind';
import { faults, nestorFaults } from './nemesis';

const env = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** `npm run chaos -- --help` says how to run it for longer, again, or against a real etcd. */
const minutes = env('CHAOS_MINUTES', 0.5);
const seed = env('CHAOS_SEED', Math.floor(Math.random() * 2 ** 31));
const sizes = (process.env['CHAOS_MEMBERS'] ?? '3').split(',').map(Number);
const isEtcd = process.env['CHAOS_STORE'] === 'etcd';
const wanted = new RegExp(process.env['CHAOS_FAULTS'] ?? '');
const chosen = Object.entries(isEtcd ? faults : { ...faults, ...nestorFaults }).filter(([name]) => wanted.test(name));

describeWith(['root', 'ip', 'nft', isEtcd ? 'etcd' : 'faketime'], 'while everything goes wrong', () => {
  it.each(sizes)(
    'a store of %i loses nothing and contradicts itself nowhere',
    async (size) => {
      const say = (line: string): void => void process.stderr.write(`chaos (seed ${seed}): ${line}\n`);
      const { violations, ...report } = await runChaos({
        kind: isEtcd ? etcdMembers : await nestorMembers(),
        size,
        clients: 8,
        durationMs: minutes * 60_000,
        seed,
        faults: Object.fromEntries(chosen),
        say,
      });
      say(JSON.stringify(report));
      expect(violations).toEqual([]);
      // A cluster that did nothing did nothing wrong.
      expect(report.acknowledged).toBeGreaterThan(20 * minutes);
      expect(report.moves).toBeGreaterThan(20 * minutes);
      expect(report.leases).toBeGreaterThan(0);
    },
    minutes * 60_000 + 600_000,
  );
});
