import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CLIENT = `
const http = require('node:http');
const ask = () => new Promise((done) => {
  const request = http.get(process.argv[1], { agent: false, timeout: 3000 }, (answer) => {
    let text = ''; answer.on('data', (part) => (text += part)); answer.on('end', () => done(text));
  });
  request.on('timeout', () => { done('no answer'); request.destroy(); });
  request.on('error', (error) => done(error.code));
});
(async () => { for (let i = 0; i < Number(process.argv[2]); i++) console.log(await ask()); })();`;

/** Another machine on a network with this one: a network namespace, whose only way out is a link to this host. */
export class OutsideMachine {
  private readonly name = `nestor-out-${process.pid}`;
  private readonly link = `nout${process.pid % 1e8}`;
  private readonly network = `198.18.${process.pid % 250}`;
  /** This host's address on the link. */
  readonly hostAddress = `${this.network}.1`;
  readonly address = `${this.network}.2`;

  constructor() {
    const sh = (command: string): void => void execFileSync('sh', ['-ec', command], { stdio: 'pipe' });
    sh(`ip netns add ${this.name}; ip link add ${this.link} type veth peer name eth0 netns ${this.name}`);
    sh(`ip addr add ${this.hostAddress}/24 dev ${this.link}; ip link set ${this.link} up`);
    sh(`ip -n ${this.name} addr add ${this.address}/24 dev eth0; ip -n ${this.name} link set eth0 up`);
    sh(`ip -n ${this.name} route add default via ${this.hostAddress}`);
  }

  /** Lets it reach an address of its own network through this host, as a load balancer's announcement would. */
  route(address: string): void {
    execFileSync('ip', ['-n', this.name, 'route', 'replace', address, 'via', this.hostAddress], { stdio: 'pipe' });
  }

  /** What `times` connections were answered, or the errors' codes. */
  async get(url: string, times = 1): Promise<string[]> {
    const argv = ['netns', 'exec', this.name, process.execPath, '-e', CLIENT, url, String(times)];
    return (await run('ip', argv)).stdout.trim().split('\n');
  }

  destroy(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}
