// `npm run leaks -- --minutes 5 --seed 7`: pods come, are killed and go while their node's agent is killed (test/runtime/leaks).
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const HELP = `Usage: npm run leaks -- [options]

On one node without an engine pods of many kinds are created, killed and removed by chance, while the node's agent is killed with SIGKILL and
started again. Then all pods are removed, and whatever is left of them is counted: processes, namespaces, mounts, interfaces, packet filter
rules, cgroups, files, uses of images. No pod may have been restarted without cause. Needs root, runc, conmon, ip, nft and nats-server.

  --minutes N   how long (default 5)
  --pods N      how many there are at most (default 100)
  --seed S      the same pods and deeds in the same order; timing is the machine's (default: drawn by lot, and printed)
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    pods: { type: 'string', default: '100' },
    seed: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const env = {
  ...process.env,
  LEAKS_MINUTES: values.minutes,
  LEAKS_PODS: values.pods,
  ...(values.seed === undefined ? {} : { LEAKS_SEED: values.seed }),
};
const jest = createRequire(import.meta.url).resolve('jest/bin/jest.js');
const { status } = spawnSync(process.execPath, [jest, '--testPathPatterns', 'test/runtime/leaks.spec'], {
  env,
  stdio: 'inherit',
});
process.exit(status ?? 1);
