/**
 * Nest's view of the bus: a transport for `@nestjs/microservices`. A library of its own, because loading that package takes
 * longer than starting a component without it.
 *
 * ```ts
 * const app = await NestFactory.createMicroservice(AppModule, { strategy: new BusServer(bus, 'my-queue') });
 * const answer = await lastValueFrom(new BusClientProxy(bus, 2000).send('subject', data));
 * ```
 */
export { BusClientProxy } from './src/bus-client-proxy';
export { BusServer } from './src/bus-server';
