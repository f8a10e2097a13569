import { Client, credentials, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { leaseService, maintenanceService } from '#etcd';
import { type ConnectTls } from '#store';

const TIMEOUT_MS = 5_000;

/** A client of one member that hides nothing: what is answered twice is heard twice, and nothing is asked again. */
export function rawClient(url: string, tls: ConnectTls | undefined): Client {
  return new Client(new URL(url).host, tls === undefined ? credentials.createInsecure() : secure(tls), {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.use_local_subchannel_pool': 1,
    // Whoever connects knows the member by its address.
    'grpc.ssl_target_name_override': 'store.invalid',
  });
}

function secure({ caPem, keyPem, certificatePem }: ConnectTls): ReturnType<typeof credentials.createSsl> {
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(pem(caPem), pem(keyPem), pem(certificatePem), { checkServerIdentity: () => undefined });
}

/** Rejects with grpc-js's `ServiceError`. */
export function ask<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const settle = (error: ServiceError | null, response?: Response): void =>
      error === null ? resolve(response!) : reject(error);
    const deadline = Date.now() + TIMEOUT_MS;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, settle);
  });
}

/** Everything that a member has up to a revision (0: the newest), in one number. Two are comparable if they have forgotten as much. */
export async function hashOf(client: Client, revision = 0): Promise<{ hash: number; compactRevision: number }> {
  const { hash, compactRevision } = await ask(client, maintenanceService.hashKV, { revision: BigInt(revision) });
  return { hash, compactRevision: Number(compactRevision) };
}

/** What a member has to have as all others do: keys with their history, and leases. */
export async function stateOf(client: Client): Promise<string> {
  const { hash, compactRevision } = await hashOf(client);
  const { leases } = await ask(client, leaseService.leaseLeases, {});
  const ids = leases.map(({ ID }) => String(ID)).sort();
  return `hash ${hash} since ${compactRevision}, leases ${ids.join() || 'none'}`;
}
