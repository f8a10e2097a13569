import { connectElected, main, users } from '#process';
import { createServiceController } from './index';
import { settings } from './src/settings';

main({
  name: 'service-controller',
  description: 'says which pods are behind a Service',
  settings,
  async start(process) {
    const dependencies = await connectElected(process, users.controller(process.name));
    const { clientAs } = dependencies;
    const { MAX_ENDPOINTS_PER_SLICE: maxEndpointsPerSlice } = process.settings;
    const config = { clientAs, maxEndpointsPerSlice };
    process.add(await createServiceController(config, dependencies.forController(process.name)));
  },
});
