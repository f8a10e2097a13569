import { connectElected, main, users } from '#process';
import { createResourceController } from './index';
import { settings } from './src/settings';

main({
  name: 'resource-controller',
  description: 'the life and death of objects: namespaces, garbage, service accounts',
  settings,
  async start(process) {
    const dependencies = await connectElected(process, users.controller(process.name));
    const { clientAs } = dependencies;
    const { TLS_CA_FILE: rootCa, TERMINATED_POD_THRESHOLD: terminatedPodThreshold } = process.settings;
    const config = { clientAs, rootCa, terminatedPodThreshold };
    process.add(await createResourceController(config, dependencies.forController(process.name)));
  },
});
