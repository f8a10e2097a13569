import { readFile } from 'node:fs/promises';
import { type ClosableObjectClient, createHttpClient } from '#client';
import { hasReason, systemClock } from '#machinery';
import { readKubeconfig } from '#pki';
import { dataDirectory } from './data-directory';
import { UserError } from './user-error';

/** Which cluster: the one in a data directory, or that of a kubeconfig. */
export interface AdministratorOptions {
  readonly dataDir: string;
  readonly kubeconfig?: string;
}

/** Calls the API of a cluster with its administrator's rights. */
export async function asAdministrator<T>(
  { dataDir, kubeconfig = dataDirectory(dataDir).kubeconfig }: AdministratorOptions,
  use: (client: ClosableObjectClient) => Promise<T>,
): Promise<T> {
  const text = await readFile(kubeconfig, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new UserError(`there is no kubeconfig at ${kubeconfig}`);
    throw error;
  });
  const { server, authorityPem, credentials } = readKubeconfig(text);
  const client = createHttpClient({
    server,
    ca: authorityPem,
    clock: systemClock,
    random: Math.random,
    userAgent: 'nestor/v1.36.2',
    connections: 1,
    ...('token' in credentials ? credentials : { cert: credentials.certificatePem, key: credentials.keyPem }),
  });
  try {
    return await use(client);
  } catch (error) {
    if (hasReason(error, 'ServiceUnavailable')) throw new UserError(`the cluster at ${server} does not answer`);
    throw error;
  } finally {
    await client.close();
  }
}
