import { connect, main } from '#process';
import { createNodeAgent } from './index';
import { joinCluster } from './src/join-cluster';
import { runAgents } from './src/run-agents';
import { settings } from './src/settings';

main({
  name: 'node-agent',
  description: 'runs the pods of a node',
  settings,
  async start(process) {
    const { identity, server } = await joinCluster(process);
    await runAgents(process, await connect(process, identity), server, createNodeAgent);
  },
});
