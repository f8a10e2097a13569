import { NestFactory } from '@nestjs/core';
import { type LoadBalancerConfig, type LoadBalancerDependencies, type RunningLoadBalancer } from './src/load-balancer';
import { LoadBalancerModule, LoadBalancerService } from './src/load-balancer.module';

export { type LoadBalancerConfig, type LoadBalancerDependencies, type RunningLoadBalancer } from './src/load-balancer';

/** Starts the load balancer; resolves once it listens, rejects if the address is taken. Backends may come later. */
export async function createLoadBalancer(
  config: LoadBalancerConfig,
  dependencies: LoadBalancerDependencies,
): Promise<RunningLoadBalancer> {
  const context = await NestFactory.createApplicationContext(LoadBalancerModule.with(config, dependencies), {
    logger: false,
    abortOnError: false,
  });
  const { address, available } = context.get(LoadBalancerService).running;
  return { name: 'load-balancer', address, available, stop: () => context.close() };
}
