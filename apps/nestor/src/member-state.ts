import { access, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, delay } from '#machinery';
import { type CertificateRequest, ensurePki, readPrivateFile, writeFileAtomically } from '#pki';
import { processUser } from '#process';
import { connectStore, type KeyValueStore, StoreError } from '#store';
import { type Logger, silentLogger } from '#telemetry';
import { type ClusterState, type OpenedStore, stateOnDisk } from './cluster-state';
import { type DataDirectory } from './data-directory';
import { freePorts } from './free-ports';
import { type LocalMember, StoreMembers } from './store-members';
import { UserError } from './user-error';

export interface MemberStateOptions {
  readonly logLevel: string;
  /** Hears of members that end and come back. */
  readonly say: (line: string) => void;
}

const NAMES = ['m1', 'm2', 'm3'] as const;
/** Starting three processes and electing a leader takes two seconds. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

/** Who may be what: the members among themselves, and this process to them. Nobody else that the cluster's authority has signed. */
const certificates = {
  'store-member': { commonName: processUser('store'), usages: ['server', 'client'], ipAddresses: ['127.0.0.1'] },
  'store-client': { commonName: processUser('gateway'), usages: ['client'] },
} as const satisfies Record<string, CertificateRequest>;

/** Whether the cluster on this directory was begun on three members. */
export async function isOnMembers(directory: DataDirectory): Promise<boolean> {
  return (await readPrivateFile(directory.membersFile)) !== undefined;
}

/**
 * Keeps the cluster's objects in a store of three members, each a process on this machine, which is there as long as two of them are.
 * @throws UserError if the directory has a cluster on one member
 */
export async function stateOnMembers(directory: DataDirectory, options: MemberStateOptions): Promise<ClusterState> {
  if (!(await isOnMembers(directory)) && (await exists(directory.store))) {
    throw new UserError(
      `the cluster in ${directory.root} was begun on one member and stays there; begin another with --ha and --data-dir`,
    );
  }
  return {
    ...stateOnDisk(directory),
    openStore: ({ clock, logger }) => openOnMembers(directory, options, clock, logger),
  };
}

async function openOnMembers(
  directory: DataDirectory,
  { logLevel, say }: MemberStateOptions,
  clock: Clock,
  logger: Logger | undefined,
): Promise<OpenedStore> {
  const pki = await ensurePki(directory.pki, { certificates });
  await mkdir(directory.members, { recursive: true, mode: 0o700 });
  const log = await open(join(directory.members, 'log'), 'a', 0o600);
  const members = new StoreMembers({
    members: await ensureMembers(directory),
    tls: {
      caFile: join(directory.pki, 'ca.crt'),
      certFile: join(directory.pki, 'store-member.crt'),
      keyFile: join(directory.pki, 'store-member.key'),
    },
    environment: {
      LOG_LEVEL: logLevel,
      CLIENT_ALLOWED_NAMES: certificates['store-client'].commonName,
      PEER_ALLOWED_NAMES: certificates['store-member'].commonName,
    },
    output: log.fd,
    say,
  });
  let store: KeyValueStore | undefined;
  const close = async (): Promise<void> => {
    await store?.close();
    await members.stop();
    await log.close();
  };
  try {
    members.start();
    store = await connectStore({
      endpoints: members.endpoints,
      tls: { caPem: pki.authority.certificatePem, ...pki.certificates['store-client'] },
      clock,
      random: Math.random,
      logger: logger ?? silentLogger(),
    });
    await untilServed(store, clock, directory);
    return { store, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function untilServed(store: KeyValueStore, clock: Clock, directory: DataDirectory): Promise<void> {
  for (const deadline = clock.monotonic() + START_TIMEOUT_MS; ;) {
    try {
      await store.range({ key: 'x' });
      return;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (clock.monotonic() > deadline) {
        const where = join(directory.members, 'log');
        throw new UserError(`the members of the store did not come up; look at ${where}`, { cause: error });
      }
      await delay(clock, POLL_MS);
    }
  }
}

/** Where the members of the cluster on this directory are, and the files with which they are reached; undefined: it has none. */
export async function reachMembers(
  directory: DataDirectory,
): Promise<{ endpoints: readonly string[]; caFile: string; certFile: string; keyFile: string } | undefined> {
  const known = await readPrivateFile(directory.membersFile);
  if (known === undefined) return undefined;
  const members = JSON.parse(known) as readonly MemberPorts[];
  return {
    endpoints: members.map(({ clientPort }) => `https://127.0.0.1:${clientPort}`),
    caFile: join(directory.pki, 'ca.crt'),
    certFile: join(directory.pki, 'store-client.crt'),
    keyFile: join(directory.pki, 'store-client.key'),
  };
}

/** Their addresses are theirs for good: each knows the others by them. */
async function ensureMembers(directory: DataDirectory): Promise<readonly LocalMember[]> {
  const known = await readPrivateFile(directory.membersFile);
  const ports = known === undefined ? await choosePorts() : (JSON.parse(known) as readonly MemberPorts[]);
  if (known === undefined) await writeFileAtomically(directory.membersFile, `${JSON.stringify(ports)}\n`);
  return ports.map((member) => ({ ...member, directory: join(directory.members, member.name) }));
}

type MemberPorts = Omit<LocalMember, 'directory'>;

async function choosePorts(): Promise<readonly MemberPorts[]> {
  const ports = await freePorts(2 * NAMES.length);
  return NAMES.map((name, index) => ({ name, clientPort: ports[2 * index]!, peerPort: ports[2 * index + 1]! }));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
