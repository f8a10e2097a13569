import { connect, main } from '#process';
import { createNodeAgent } from './index';
import { runAgents } from './src/run-agents';
import { settings } from './src/settings';

main({
  name: 'node-agent',
  description: 'runs the pods of a node',
  settings,
  async start(process) {
    await runAgents(process, await connect(process), createNodeAgent);
  },
});
