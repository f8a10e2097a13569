import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { type Clock, delay } from '#machinery';
import { isAlive, processRef, type ProcessRef, signalProcess } from '../processes';
import { outwardsAddress, resolverAddress, socketAddress } from './addresses';
import { type IdMaps, idWords, ownIds, type User, withSubordinateIds } from './id-maps';
import { userNamespaceObstacles } from './user-namespace';

const lookMs = 5;

/** What holds a node's namespaces, and what has sockets of the machine for it. */
interface Holder {
  readonly holder: ProcessRef;
  readonly sockets?: ProcessRef;
  /** As the kernel names it: `user:[4026532281]`. */
  readonly user: string;
}

/** There are no user namespaces for this user; the message says what to do. */
export class NamespaceError extends Error {
  override readonly name = 'NamespaceError';
}

/**
 * The namespaces in which an ordinary user's node runs (ADR 25): user, mounts, network and IPC. Two small processes hold them and pass on what goes in and out;
 * they outlive who has started them, as containers do.
 */
export class NodeNamespace {
  private constructor(
    /** Its own directory, mode 0700. */
    readonly directory: string,
    private readonly holder: Holder,
  ) {}

  /** That of a directory, if it is held. */
  static async find(directory: string): Promise<NodeNamespace | undefined> {
    const known = await readRecord(directory);
    return known !== undefined && (await isHeld(known)) ? new NodeNamespace(directory, known) : undefined;
  }

  /**
   * That of a directory, made unless it is there. One process at a time may do so. What an earlier one has left whose holder was killed is ended: it has no
   * network any more. Rejects with `NamespaceError`.
   */
  static async ensure(directory: string, clock: Clock): Promise<NodeNamespace> {
    const found = await NodeNamespace.find(directory);
    if (found !== undefined) return found;
    await NodeNamespace.end(directory, clock);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(path.join(directory, 'resolv.conf'), await resolvConf(), { mode: 0o644 });
    const holder = await start(directory);
    await writeFile(recordOf(directory, '.new'), JSON.stringify(holder), { mode: 0o600 });
    await rename(recordOf(directory, '.new'), recordOf(directory));
    return new NodeNamespace(directory, holder);
  }

  /** Ends all processes in the namespaces of a directory, and with the last of them mounts and interfaces. Not to be called from inside. */
  static async end(directory: string, clock: Clock): Promise<void> {
    const known = await readRecord(directory);
    if (known === undefined) return;
    const left = async (): Promise<ProcessRef[]> => [
      ...(await processesIn(known.user)),
      ...((await isAlive(known.sockets)) && known.sockets !== undefined ? [known.sockets] : []),
    ];
    for (let found = await left(); found.length > 0; found = await left()) {
      for (const one of found) await signalProcess(one, 'SIGKILL');
      await delay(clock, lookMs);
    }
    await rm(recordOf(directory));
  }

  /** The command line that runs a program inside, as root there. */
  command(...argv: readonly string[]): readonly [program: string, ...args: string[]] {
    return ['perl', path.join(__dirname, 'perl/enter.pl'), String(this.holder.holder.pid), ...argv];
  }
}

async function start(directory: string): Promise<Holder> {
  const user = thisUser();
  const own = ownIds(user);
  const more = await subordinateIds(user);
  try {
    return await startWith(directory, more ?? own);
  } catch (error) {
    // newuidmap is not installed, or refuses: it goes without.
    if (more === undefined || !(error instanceof NamespaceError)) throw error;
    return startWith(directory, own);
  }
}

/** Who is not in the list of users has no name, and may have numbers all the same. */
function thisUser(): User {
  const [uid, gid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1];
  try {
    return { uid, gid, name: userInfo().username };
  } catch {
    return { uid, gid, name: '' };
  }
}

async function subordinateIds(user: User): Promise<IdMaps | undefined> {
  const [subuid, subgid] = await Promise.all(['/etc/subuid', '/etc/subgid'].map(readOptional));
  return withSubordinateIds(user, subuid ?? '', subgid ?? '');
}

async function startWith(directory: string, { users, groups }: IdMaps): Promise<Holder> {
  const log = await open(path.join(directory, 'log'), 'w', 0o600);
  const { ip, port } = outwardsAddress;
  const addresses = [socketAddress(ip, port), socketAddress(resolverAddress, 53)];
  const program = path.join(__dirname, 'perl/namespace.pl');
  const child = spawn('perl', [program, directory, idWords(users), idWords(groups), ...addresses], {
    detached: true,
    stdio: ['ignore', 'pipe', log.fd],
  });
  await log.close();
  const output = child.stdout;
  if (output === null) throw new Error('not reached: its output is a pipe');
  let said = '';
  output.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [error] = (await Promise.race([once(child, 'error'), once(output, 'close'), ready(output)])) as unknown[];
  output.destroy();
  child.unref();
  if (error instanceof Error && 'code' in error) throw new NamespaceError(`cannot run perl: ${error.message}`);
  const [, inside, outside] = /^(\d+) (\d+)$/m.exec(said) ?? [];
  const holder = await processRef(Number(inside ?? -1));
  if (holder === undefined) throw new NamespaceError(await explain(directory));
  const sockets = await processRef(Number(outside));
  const name = await readlink(`/proc/${holder.pid}/ns/user`);
  return { holder, user: name, ...(sockets === undefined ? {} : { sockets }) };
}

function ready(output: NodeJS.ReadableStream): Promise<unknown[]> {
  return new Promise((resolve) => output.on('data', (text: string) => text.includes('\n') && resolve([])));
}

async function explain(directory: string): Promise<string> {
  const said = ((await readOptional(path.join(directory, 'log'))) ?? '').trim();
  const reasons = await userNamespaceObstacles();
  const advice = reasons.length === 0 ? 'The kernel, or what this runs in, forbids it.' : `${reasons.join('; ')}.`;
  return `no user namespace can be made here (${said}). ${advice}`;
}

/** What is on the machine is inside as well, but for name servers: those are asked by the relay. */
async function resolvConf(): Promise<string> {
  const lines = ((await readOptional('/etc/resolv.conf')) ?? '').split('\n');
  const kept = lines.filter((line) => /^\s*(search|domain|options)\s/.test(line));
  return [`nameserver ${resolverAddress}`, ...kept, ''].join('\n');
}

async function isHeld({ holder, user }: Holder): Promise<boolean> {
  return (await isAlive(holder)) && (await userNamespaceOf(holder.pid)) === user;
}

async function processesIn(user: string): Promise<ProcessRef[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(
    pids.map(async (pid) => ((await userNamespaceOf(pid)) === user ? await processRef(pid) : undefined)),
  );
  const alive = await Promise.all(found.map(async (ref) => ((await isAlive(ref)) && ref !== undefined ? [ref] : [])));
  return alive.flat();
}

/** Undefined: it has ended, or is none of one's business. */
async function userNamespaceOf(pid: number): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${pid}/ns/user`);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function recordOf(directory: string, suffix = ''): string {
  return path.join(directory, `holder.json${suffix}`);
}

async function readRecord(directory: string): Promise<Holder | undefined> {
  const text = await readOptional(recordOf(directory));
  return text === undefined ? undefined : (JSON.parse(text) as Holder);
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
