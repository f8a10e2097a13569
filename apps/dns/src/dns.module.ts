import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { type DnsConfig, type DnsDependencies, type RunningDns, startDns } from './dns';

const RUNNING = Symbol('running dns');

/** Ties the server's life to Nest's application context. */
@Injectable()
export class DnsService implements OnApplicationShutdown {
  constructor(@Inject(RUNNING) readonly running: RunningDns) {}

  onApplicationShutdown(): Promise<void> {
    return this.running.stop();
  }
}

@Module({})
export class DnsModule {
  static with(config: DnsConfig, dependencies: DnsDependencies): DynamicModule {
    return {
      module: DnsModule,
      providers: [DnsService, { provide: RUNNING, useFactory: () => startDns(config, dependencies) }],
    };
  }
}
