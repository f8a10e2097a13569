import { resolve } from 'node:path';
import { connect, holdHostMutex, main } from '#process';
import { createNodeAgent } from './index';
import { joinCluster } from './src/join-cluster';
import { runAgents } from './src/run-agents';
import { settings } from './src/settings';

main({
  name: 'node-agent',
  description: 'runs the pods of a node',
  settings,
  async start(process) {
    const lock = await holdHostMutex(`node-agent ${resolve(process.settings.DATA_DIR)}`);
    if (lock === undefined) throw new Error(`another agent has the pods in ${process.settings.DATA_DIR}`);
    process.add({ name: 'lock', stop: () => lock.release() });
    const { identity, server } = await joinCluster(process);
    await runAgents(process, await connect(process, identity), server, createNodeAgent);
  },
});
