import { hostname } from 'node:os';
import { nodeNameOf } from '#machinery';
import { connect, hostAddresses, main, users } from '#process';
import { announceDns, createDns } from './index';
import { settings } from './src/settings';

const ANY = '0.0.0.0';

main({
  name: 'dns',
  description: 'names of Services and pods',
  settings,
  async start(process) {
    const {
      LISTEN_ADDRESS,
      CLUSTER_DOMAIN: zone,
      CLUSTER_DNS,
      DNS_TTL: ttl,
      DNS_UPSTREAMS,
      REPLICA,
    } = process.settings;
    const toEndpoint = ({ host, port }: { host: string; port: number }) => ({ address: host, port });
    const dependencies = await connect(process);
    const dns = process.add(
      await createDns(
        { listen: LISTEN_ADDRESS.map(toEndpoint), zone, ttl, upstreams: DNS_UPSTREAMS?.map(toEndpoint) },
        dependencies.as(users.dns, 'dns'),
      ),
    );
    process.logger.info({ addresses: dns.addresses }, 'serving names');
    if (CLUSTER_DNS === undefined) return;
    const endpoints = dns.addresses.map(({ address, port }) => ({
      address: process.settings.ADVERTISE_ADDRESS ?? (address === ANY ? (hostAddresses()[0] ?? address) : address),
      port,
    }));
    const options = { clusterIp: CLUSTER_DNS, endpoints, replica: REPLICA ?? nodeNameOf(hostname()) };
    const { signal } = process;
    process.add(await announceDns(options, { ...dependencies.as(users.dns, 'dns'), signal }));
  },
});
