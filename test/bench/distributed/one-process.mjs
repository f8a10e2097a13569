// A whole cluster in one process, as `nestor up` starts it, whose bus its parent can put informers on.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { serveInformers } from './informers.mjs';

const require = createRequire(import.meta.url);
const { createInProcessBus } = require('../../../dist/libs/bus/index.js');
const { systemClock: clock } = require('../../../dist/libs/machinery/index.js');
const { users } = require('../../../dist/libs/process/index.js');
const { silentLogger } = require('../../../dist/libs/telemetry/index.js');
const { startCluster } = require('../../../dist/apps/nestor/src/cluster.js');
const { stateOnDisk } = require('../../../dist/apps/nestor/src/cluster-state.js');
const { dataDirectory, ensureDataDirectory } = require('../../../dist/apps/nestor/src/data-directory.js');

const { directory: home, nodes } = JSON.parse(process.env.BENCH);
const directory = dataDirectory(home);
await ensureDataDirectory(directory);
const logger = silentLogger();
const bus = createInProcessBus({ clock, random: Math.random, logger });
serveInformers(async () => ({ bus, user: users.informers }));
const cluster = await startCluster({
  state: stateOnDisk(directory),
  port: 0,
  runtime: 'fake',
  nodes,
  bus,
  logger,
  progress: () => undefined,
  signal: new AbortController().signal,
});
process.once('SIGTERM', () => cluster.stop().then(() => process.exit(0)));
process.send({ server: cluster.server, kubeconfig: readFileSync(directory.kubeconfig, 'utf8') });
