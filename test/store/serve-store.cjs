'use strict';
// A store server as a process of its own, from the compiled sources: prints its address once it serves, stops on SIGTERM.
const path = require('node:path');
const dist = path.join(__dirname, '../../dist');
const { createStoreServer } = require(path.join(dist, 'apps/store'));
const { systemClock } = require(path.join(dist, 'libs/machinery'));
const { openStore } = require(path.join(dist, 'libs/store'));
const { createLogger, Registry } = require(path.join(dist, 'libs/telemetry'));

async function main() {
  const { directory, ...config } = JSON.parse(process.argv[2]);
  const logger = createLogger('store', { level: 'warn' });
  const store = await openStore({ directory, clock: systemClock, logger });
  const deps = { store, clock: systemClock, logger, metrics: new Registry() };
  const server = await createStoreServer(config, deps);
  process.stdout.write(`${server.address}\n`);
  process.on('SIGTERM', async () => {
    await server.stop();
    await store.close();
  });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
