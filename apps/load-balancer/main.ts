import { main } from '#process';
import { createLoadBalancer } from './index';
import { settings } from './src/settings';

main({
  name: 'load-balancer',
  description: 'one address for several gateways',
  settings,
  async start({ settings, add, clock, logger, metrics, ready }) {
    const balancer = add(
      await createLoadBalancer(
        {
          listen: settings.LISTEN_ADDRESS,
          backends: settings.BACKENDS,
          checkIntervalMs: settings.CHECK_INTERVAL,
          checkTimeoutMs: settings.CHECK_TIMEOUT,
          connectTimeoutMs: settings.CONNECT_TIMEOUT,
        },
        { clock, logger, metrics },
      ),
    );
    ready('backends', () => {
      if (balancer.available() === 0) throw new Error('no gateway is ready');
    });
  },
});
