import { connectElected, main, users } from '#process';
import { createReplicaSetController } from './index';
import { settings } from './src/settings';

main({
  name: 'replicaset-controller',
  description: 'keeps the number of pods that ReplicaSets and ReplicationControllers ask for',
  settings,
  async start(process) {
    const dependencies = await connectElected(process, users.controller(process.name));
    const { clientAs } = dependencies;
    process.add(await createReplicaSetController({ clientAs }, dependencies.forController(process.name)));
  },
});
