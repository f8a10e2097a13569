import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import {
  type LoadBalancerConfig,
  type LoadBalancerDependencies,
  type RunningLoadBalancer,
  startLoadBalancer,
} from './load-balancer';

const RUNNING = Symbol('running load balancer');

/** Ties the server's life to Nest's application context. */
@Injectable()
export class LoadBalancerService implements OnApplicationShutdown {
  constructor(@Inject(RUNNING) readonly running: RunningLoadBalancer) {}

  onApplicationShutdown(): Promise<void> {
    return this.running.stop();
  }
}

@Module({})
export class LoadBalancerModule {
  static with(config: LoadBalancerConfig, dependencies: LoadBalancerDependencies): DynamicModule {
    return {
      module: LoadBalancerModule,
      providers: [LoadBalancerService, { provide: RUNNING, useFactory: () => startLoadBalancer(config, dependencies) }],
    };
  }
}
