import { access, readFile } from 'node:fs/promises';
import { systemClock } from '#machinery';
import { type ConnectTls, connectOperator, StoreError, type StoreOperator } from '#store';
import { trioEndpoints } from './commands/store-trio';
import { dataDirectory } from './data-directory';
import { reachMembers } from './member-state';
import { UserError } from './user-error';

/** Which store: what is told, or the members on a data directory. */
export interface StoreConnectionOptions {
  readonly dataDir: string;
  readonly endpoints?: readonly string[];
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface StoreAddress {
  readonly endpoints: readonly string[];
  readonly tls?: ConnectTls;
}

/** A change of the members may have to wait for an election. */
const REQUEST_TIMEOUT_MS = 10_000;

/** @throws UserError that says what is missing */
export async function findStore(options: StoreConnectionOptions): Promise<StoreAddress> {
  const { endpoints } = options;
  if (endpoints !== undefined) return { endpoints, ...(await readTls(options, endpoints)) };
  const directory = dataDirectory(options.dataDir);
  const members = await reachMembers(directory);
  if (members !== undefined) return { endpoints: members.endpoints, ...(await readTls(members, members.endpoints)) };
  if (await exists(directory.trio)) return { endpoints: trioEndpoints };
  throw new UserError(
    `there is no store of several members in ${directory.root}: it is made by nestor up --ha and nestor store trio; name another with --endpoints`,
  );
}

/** @param files `--ca-file` and so on: their paths @param prefix of these options */
export async function readTls(
  files: Pick<StoreConnectionOptions, 'caFile' | 'certFile' | 'keyFile'>,
  endpoints: readonly string[],
  prefix = '--',
): Promise<{ tls?: ConnectTls }> {
  const { caFile, certFile, keyFile } = files;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UserError(`${prefix}cert-file and ${prefix}key-file belong together`);
  }
  if (caFile === undefined) {
    const secure = endpoints.find((endpoint) => endpoint.startsWith('https:'));
    if (secure !== undefined) throw new UserError(`${secure} needs ${prefix}ca-file: who signs its certificate`);
    return {};
  }
  const caPem = await read(caFile);
  if (certFile === undefined || keyFile === undefined) return { tls: { caPem } };
  return { tls: { caPem, certificatePem: await read(certFile), keyPem: await read(keyFile) } };
}

/** Lets somebody operate each member. Errors of the store are the user's to read. */
export async function operateEach<T>(
  { endpoints, tls }: StoreAddress,
  use: (operators: readonly StoreOperator[]) => Promise<T>,
): Promise<T> {
  const operators: StoreOperator[] = [];
  try {
    for (const endpoint of endpoints) {
      operators.push(
        await connectOperator({
          endpoint,
          ...(tls === undefined ? {} : { tls }),
          clock: systemClock,
          requestTimeoutMs: REQUEST_TIMEOUT_MS,
        }),
      );
    }
    return await use(operators);
  } catch (error) {
    throw toUserError(error);
  } finally {
    for (const operator of operators) operator.close();
  }
}

/**
 * Lets somebody operate the first member that answers. @param last a member to be asked only if no other answers: who is removed
 * does not tell how it went
 */
export function operate<T>(
  address: StoreAddress,
  use: (operator: StoreOperator) => Promise<T>,
  last?: bigint,
): Promise<T> {
  return operateEach(address, async (operators) => {
    const failures: string[] = [];
    let resort: StoreOperator | undefined;
    for (const operator of operators) {
      let memberId: bigint;
      try {
        ({ memberId } = await operator.status());
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failures.push(`${operator.endpoint}: ${error.message}`);
        continue;
      }
      if (memberId !== last) return use(operator);
      resort = operator;
    }
    if (resort !== undefined) return use(resort);
    throw new UserError(`no member of the store answers:\n  ${failures.join('\n  ')}`);
  });
}

/** What went wrong with a store, or its files, is for the user to read. */
export function toUserError(error: unknown): unknown {
  if (error instanceof StoreError) return new UserError(error.message, { cause: error });
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && path !== undefined) return new UserError(`there is no ${path}`, { cause: error });
  if (code === 'EACCES' && path !== undefined) return new UserError(`${path} may not be used by you`, { cause: error });
  return error;
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw toUserError(error);
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
