// `npm run chaos -- --minutes 10 --seed 7`: lets a store of several members work while everything goes wrong (test/chaos).
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const HELP = `Usage: npm run chaos -- [options]

Real members, each in a network namespace of its own, are killed, paused, cut off, filled up and replaced while clients work. Then
everything that they were told is checked: linearizability, no acknowledged write lost, watches without gap, leases on time.
Needs root, ip, nft and libfaketime.

  --minutes N   how long (default 1)
  --seed S      the same clients and faults in the same order; timing is the machine's (default: drawn by lot, and printed)
  --members L   how many members, several runs separated by commas (default 3,5)
  --store S     whose members: nestor (default), or etcd, which shows that the test itself is fair
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    members: { type: 'string', default: '3,5' },
    store: { type: 'string', default: 'nestor' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const env = {
  ...process.env,
  CHAOS_MINUTES: values.minutes,
  CHAOS_MEMBERS: values.members,
  CHAOS_STORE: values.store,
  ...(values.seed === undefined ? {} : { CHAOS_SEED: values.seed }),
};
const jest = createRequire(import.meta.url).resolve('jest/bin/jest.js');
const { status } = spawnSync(process.execPath, [jest, '--testPathPatterns', 'test/chaos/chaos.spec'], {
  env,
  stdio: 'inherit',
});
process.exit(status ?? 1);
