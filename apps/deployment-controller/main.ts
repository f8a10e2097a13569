import { connectElected, main, users } from '#process';
import { createDeploymentController } from './index';
import { settings } from './src/settings';

main({
  name: 'deployment-controller',
  description: 'rolls Deployments out',
  settings,
  async start(process) {
    const dependencies = await connectElected(process, users.controller(process.name));
    process.add(await createDeploymentController({}, dependencies.forController(process.name)));
  },
});
