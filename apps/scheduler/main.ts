import { connectElected, main, users } from '#process';
import { createScheduler } from './index';
import { settings } from './src/settings';

main({
  name: 'scheduler',
  description: 'finds nodes for pods',
  settings,
  async start(process) {
    const dependencies = await connectElected(process, users.scheduler);
    const config = { schedulerName: process.settings.SCHEDULER_NAME };
    process.add(await createScheduler(config, dependencies.as(users.scheduler, 'kube-scheduler')));
  },
});
