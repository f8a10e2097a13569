import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { type StoreServerConfig, type StoreServerDependencies } from './config';
import { type RunningStoreServer, startStoreServer } from './store-server';

const RUNNING = Symbol('running store server');

/** Ties the server's life to Nest's application context. */
@Injectable()
export class StoreServerService implements OnApplicationShutdown {
  constructor(@Inject(RUNNING) readonly running: RunningStoreServer) {}

  onApplicationShutdown(): Promise<void> {
    return this.running.stop();
  }
}

@Module({})
export class StoreModule {
  static with(config: StoreServerConfig, dependencies: StoreServerDependencies): DynamicModule {
    return {
      module: StoreModule,
      providers: [StoreServerService, { provide: RUNNING, useFactory: () => startStoreServer(config, dependencies) }],
    };
  }
}
