import { NestFactory } from '@nestjs/core';
import { type StoreServerConfig, type StoreServerDependencies } from './src/config';
import { type RunningStoreServer } from './src/store-server';
import { StoreModule, StoreServerService } from './src/store.module';

export { type StoreServerConfig, type StoreServerDependencies } from './src/config';
export { type RunningStoreServer } from './src/store-server';

/** Serves a store by etcd v3's gRPC API; resolves once it listens, rejects if the port is taken or the configuration is not safe. */
export async function createStoreServer(
  config: StoreServerConfig,
  dependencies: StoreServerDependencies,
): Promise<RunningStoreServer> {
  const context = await NestFactory.createApplicationContext(StoreModule.with(config, dependencies), {
    logger: false,
    abortOnError: false,
  });
  const { address } = context.get(StoreServerService).running;
  return { name: 'store', address, stop: () => context.close() };
}
