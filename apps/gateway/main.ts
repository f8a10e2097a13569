import { connectBus, main } from '#process';
import { connectStore } from '#store';
import { createGateway } from './index';
import { busIdentity, gatewayConfig, publisherElector, storeOptions } from './src/from-settings';
import { settings } from './src/settings';

main({
  name: 'gateway',
  description: 'serves the API',
  settings,
  async start(process) {
    const { clock, random, logger } = process;
    const bus = await connectBus(process, { bus: await busIdentity(process) });
    const store = await connectStore(storeOptions(process));
    process.add({ name: 'store connection', stop: () => store.close() });
    const gateway = await createGateway(gatewayConfig(process), {
      store,
      bus,
      logger,
      clock,
      random,
      publisherElector: (client) => publisherElector(process, client),
    });
    process.add(gateway);
  },
});
