// `npm run chaos -- --minutes 10 --seed 7`: lets a store of several members work while everything goes wrong (test/chaos).
import { runLongTest } from './long-test.mjs';

const HELP = `Usage: npm run chaos -- [options]

Real members, each in a network namespace of its own, are killed, paused, cut off, filled up and replaced while clients work. Then
everything that they were told is checked: linearizability, no acknowledged write lost, watches without gap, leases on time.
Needs root, ip, nft and libfaketime.

  --minutes N   how long (default 1)
  --seed S      the same clients and faults in the same order; timing is the machine's (default: drawn by lot, and printed)
  --members L   how many members, several runs separated by commas (default 3,5)
  --faults F    only those whose names match this regular expression, as 'power|slow' (default: all of test/chaos/nemesis.ts)
  --store S     whose members: nestor (default), or etcd, which shows that the test itself is fair
`;

runLongTest({
  suite: 'test/chaos/chaos.spec',
  prefix: 'CHAOS',
  help: HELP,
  defaults: { minutes: '1', seed: undefined, members: '3,5', store: 'nestor', faults: undefined },
});
