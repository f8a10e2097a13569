import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRunCommand, type RunCommand } from '../../apps/node-agent/src/host/command';

/** Whether this machine can make network namespaces; where it cannot, the tests are skipped loudly, but never in CI. */
export function canMakeNamespaces(): boolean {
  try {
    if (process.getuid?.() !== 0) throw new Error('not root');
    for (const argv of [
      ['ip', '-V'],
      ['nft', '--version'],
      ['busybox', 'true'],
    ]) {
      execFileSync(argv[0] as string, argv.slice(1), { stdio: 'ignore' });
    }
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    // eslint-disable-next-line no-console
    console.warn(`SKIPPED: network tests need root, ip, nft and iptables (${String(error)})`);
    return false;
  }
}

/** A server that answers with its name and what it sees of the client, over TCP (HTTP) and UDP; a line back for each on `/stream`. */
const SERVER = `
const name = process.argv[1], port = Number(process.argv[2]);
const http = require('node:http').createServer((q, r) => {
  if (q.url !== '/stream') return r.end(name + ' ' + q.socket.remoteAddress.replace('::ffff:', ''));
  q.on('data', (line) => r.write(name + ':' + line)); q.on('end', () => r.end());
});
http.keepAliveTimeout = 1;
http.listen(port, '0.0.0.0', () => {
  const udp = require('node:dgram').createSocket('udp4');
  udp.on('message', (m, f) => udp.send(name + ' ' + f.address, f.port, f.address));
  udp.bind(port, '0.0.0.0', () => console.log('ready'));
});`;

const CLIENT = `
const http = require('node:http');
const ask = () => new Promise((done) => {
  const request = http.get(process.argv[1], { agent: false, timeout: 2000 }, (answer) => {
    let text = ''; answer.on('data', (part) => (text += part)); answer.on('end', () => done(text));
  });
  request.on('timeout', () => { done('no answer'); request.destroy(); });
  request.on('error', (error) => done(error.code));
});
(async () => { for (let i = 0; i < Number(process.argv[2]); i++) console.log(await ask()); })();`;

const UDP_CLIENT = `
const udp = require('node:dgram').createSocket('udp4');
udp.on('message', (m) => { console.log(String(m)); udp.close(); });
udp.on('error', (e) => { console.error(e.code); process.exit(1); });
udp.connect(Number(process.argv[2]), process.argv[1], () => udp.send('?'));
setTimeout(() => process.exit(2), 2000).unref();`;

/** Machines as network namespaces, with servers and clients on them. */
export class NamespaceLab {
  private static count = 0;
  private readonly prefix = `nl${process.pid}-${NamespaceLab.count++}`;
  private readonly namespaces: string[] = [];
  private readonly servers: ChildProcess[] = [];

  /** Runs programs in the namespace of the node, of a pod, or outside. */
  run(where: string): RunCommand {
    return createRunCommand(10_000, ['ip', 'netns', 'exec', this.namespace(where)]);
  }

  /** As `run`, for what has to succeed. */
  async must(where: string, command: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(where)(['sh', '-ec', command]);
    if (code !== 0) throw new Error(`${where}: ${command}: ${stderr}`);
    return stdout;
  }

  /** `a 10.250.0.12`: which pod answered and whom it saw; or the client's error, or `no answer`. */
  async get(from: string, address: string): Promise<string> {
    return (await this.getMany(from, address, 1))[0] ?? '';
  }

  /** As `get`, `times` times, a connection each. */
  async getMany(from: string, address: string, times: number): Promise<string[]> {
    const argv = [process.execPath, '-e', CLIENT, `http://${address}/`, String(times)];
    const { stdout, stderr } = await this.run(from)(argv);
    if (stdout === '') throw new Error(`the client in ${from} failed: ${stderr}`);
    return stdout.trim().split('\n');
  }

  /** As `get`, over UDP. */
  async getUdp(from: string, ip: string, port: number): Promise<string> {
    const argv = [process.execPath, '-e', UDP_CLIENT, ip, String(port)];
    const { code, stdout, stderr } = await this.run(from)(argv);
    return code === 2 ? 'no answer' : (stdout || stderr).trim();
  }

  /** A long-lived request from `from` to `address`. */
  stream(from: string, address: string): ChildProcess {
    const script = `const r = require('node:http').request('http://${address}/stream', { method: 'POST' }, (a) => a.pipe(process.stdout));
      r.on('error', (e) => { console.log(e.code); process.exit(1); }); r.flushHeaders(); process.stdin.pipe(r);`;
    const argv = ['netns', 'exec', this.namespace(from), process.execPath, '-e', script];
    return this.keep(spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  /** What `ip netns` calls a machine. */
  protected namespace(name: string): string {
    return `${this.prefix}-${name}`;
  }

  /** Takes charge of a process: it is ended with the lab. */
  protected keep<T extends ChildProcess>(child: T): T {
    this.servers.push(child);
    return child;
  }

  async destroy(): Promise<void> {
    for (const server of this.servers.splice(0)) {
      if (server.exitCode !== null || server.signalCode !== null) continue;
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
    for (const name of this.namespaces.splice(0)) execFileSync('ip', ['netns', 'delete', name]);
  }

  protected async add(name: string): Promise<void> {
    execFileSync('ip', ['netns', 'add', this.namespace(name)]);
    this.namespaces.push(this.namespace(name));
    await this.must(name, 'ip link set lo up');
  }

  /** A cable: `eth0` of `name` to the interface `hostEnd` of `host`. */
  protected async link(name: string, host: string, hostEnd: string): Promise<void> {
    await this.must(host, `ip link add ${hostEnd} type veth peer name eth0 netns ${this.namespace(name)}`);
    await this.must(host, `ip link set ${hostEnd} up`);
    await this.must(name, 'ip link set eth0 up');
  }

  /** A server on port 8080 that answers with the namespace's name. */
  protected async serve(name: string): Promise<void> {
    const argv = ['netns', 'exec', this.namespace(name), process.execPath, '-e', SERVER, name, '8080'];
    const child = this.keep(spawn('ip', argv, { stdio: ['ignore', 'pipe', 'inherit'] }));
    await once(child.stdout, 'data');
  }
}
