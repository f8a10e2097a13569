import { type Service } from '#api';
import { type DeepReadonly } from '#machinery';

/** Variables in Docker's links style for Services with a cluster address (`FOO_SERVICE_HOST`, `FOO_PORT_80_TCP` …). */
export function serviceEnvironment(services: readonly DeepReadonly<Service>[]): Map<string, string> {
  const env = new Map<string, string>();
  for (const { metadata, spec } of services) {
    const [first] = spec?.ports ?? [];
    const ip = spec?.clusterIP;
    if (ip === undefined || ip === 'None' || ip === '' || first === undefined) continue;
    const prefix = envName(metadata?.name ?? '');
    const host = ip.includes(':') ? `[${ip}]` : ip;
    env.set(`${prefix}_SERVICE_HOST`, ip);
    env.set(`${prefix}_SERVICE_PORT`, String(first.port));
    for (const { name, port } of spec?.ports ?? []) {
      if (name !== undefined && name !== '') env.set(`${prefix}_SERVICE_PORT_${envName(name)}`, String(port));
    }
    env.set(`${prefix}_PORT`, `${(first.protocol ?? 'TCP').toLowerCase()}://${host}:${first.port}`);
    for (const { port, protocol = 'TCP' } of spec?.ports ?? []) {
      const one = `${prefix}_PORT_${port}_${protocol}`;
      env.set(one, `${protocol.toLowerCase()}://${host}:${port}`);
      env.set(`${one}_PROTO`, protocol.toLowerCase());
      env.set(`${one}_PORT`, String(port));
      env.set(`${one}_ADDR`, ip);
    }
  }
  return env;
}

function envName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
