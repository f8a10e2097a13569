import { NestFactory } from '@nestjs/core';
import { type DnsConfig, type DnsDependencies, type RunningDns } from './src/dns';
import { DnsModule, DnsService } from './src/dns.module';

export { type DnsConfig, type DnsDependencies, type RunningDns } from './src/dns';
export { announceDns, type AnnouncerDependencies } from './src/announcer';
export { type PublishOptions } from './src/publish-dns-service';

/** Starts the name server; resolves once it listens, rejects if an address is taken. */
export async function createDns(config: DnsConfig, dependencies: DnsDependencies): Promise<RunningDns> {
  const context = await NestFactory.createApplicationContext(DnsModule.with(config, dependencies), {
    logger: false,
    abortOnError: false,
  });
  const { addresses } = context.get(DnsService).running;
  return { name: 'dns', addresses, stop: () => context.close() };
}
