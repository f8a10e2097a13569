// `npm run leaks -- --minutes 5 --seed 7`: pods come, are killed and go while their node's agent is killed (test/runtime/leaks).
import { runLongTest } from './long-test.mjs';

const HELP = `Usage: npm run leaks -- [options]

On one node without an engine pods of many kinds are created, killed and removed by chance, while the node's agent is killed with SIGKILL and
started again. Then all pods are removed, and whatever is left of them is counted: processes, namespaces, mounts, interfaces, packet filter
rules, cgroups, files, uses of images. No pod may have been restarted without cause. Needs root, runc, conmon, ip, nft and nats-server.

  --minutes N   how long (default 5)
  --pods N      how many there are at most (default 100)
  --seed S      the same pods and deeds in the same order; timing is the machine's (default: drawn by lot, and printed)
`;

runLongTest({
  suite: 'test/runtime/leaks.spec',
  prefix: 'LEAKS',
  help: HELP,
  defaults: { minutes: '5', pods: '100', seed: undefined },
});
