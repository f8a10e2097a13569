import { systemClock } from '#machinery';
import { connectStore, type KeyValueStore, migrateStore } from '#store';
import { silentLogger } from '#telemetry';
import { findStore, readTls, type StoreAddress, type StoreConnectionOptions, toUserError } from '../store-connection';
import { UserError } from '../user-error';

export interface MigrateCommandOptions extends StoreConnectionOptions {
  readonly to: readonly string[];
  readonly toCaFile?: string;
  readonly toCertFile?: string;
  readonly toKeyFile?: string;
  readonly overwrite: boolean;
}

/** Copies a store that nobody writes to into another, or into a real etcd. */
export async function migrate(options: MigrateCommandOptions): Promise<void> {
  const source = await findStore(options);
  const endpoints = options.to.flatMap(endpointsOf);
  const { toCaFile: caFile, toCertFile: certFile, toKeyFile: keyFile } = options;
  const files = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  const target: StoreAddress = { endpoints, ...(await readTls(files, endpoints, '--to-')) };
  if (endpoints.some((endpoint) => source.endpoints.includes(endpoint))) {
    throw new UserError('--to is the store that is to be copied');
  }
  const stores: KeyValueStore[] = [];
  const say = (line: string): void => console.error(line);
  try {
    const from = await connect(source);
    stores.push(from);
    const to = await connect(target);
    stores.push(to);
    const { keys, leased, fromRevision, toRevision } = await migrateStore({
      ...{ from, to, clock: systemClock, say },
      mayHaveKeys: options.overwrite,
    });
    console.log(`Moved ${keys} keys: the source is at revision ${fromRevision}, the target at ${toRevision}.`);
    if (leased > 0) console.log(`${leased} of them had a lease. They have none in the target, and stay until deleted.`);
    console.log(`Gateways find them with STORE_ENDPOINTS=${endpoints.join(',')}`);
  } catch (error) {
    throw toUserError(error);
  } finally {
    for (const store of stores) await store.close();
  }
}

function connect({ endpoints, tls }: StoreAddress): Promise<KeyValueStore> {
  return connectStore({
    endpoints,
    ...(tls === undefined ? {} : { tls }),
    clock: systemClock,
    random: Math.random,
    logger: silentLogger(),
    requestTimeoutMs: 15_000,
  });
}

/** `etcd://` is `http://`: a server whose TLS is to be used is named with `https://`. */
function endpointsOf(url: string): string {
  return url.replace(/^etcd:/, 'http:');
}
