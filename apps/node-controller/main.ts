import { connectElected, main, users } from '#process';
import { createNodeController } from './index';
import { settings } from './src/settings';

main({
  name: 'node-controller',
  description: 'looks after nodes: pod networks, silence, eviction',
  settings,
  async start(process) {
    const dependencies = await connectElected(process, users.controller(process.name));
    const { settings } = process;
    const { SIGNING_KEY_FILE: keyPem, TLS_CA_FILE: certificatePem } = settings;
    const canSign = keyPem !== undefined && certificatePem !== undefined;
    const config = {
      clientAs: dependencies.clientAs,
      clusterCidr: settings.CLUSTER_CIDR,
      nodeCidrMaskSize: settings.NODE_CIDR_MASK_SIZE,
      gracePeriodMs: settings.NODE_MONITOR_GRACE_PERIOD,
      ...(canSign ? { signingAuthority: { keyPem, certificatePem } } : {}),
    };
    process.add(await createNodeController(config, dependencies.forController(process.name)));
  },
});
