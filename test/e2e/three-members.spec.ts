import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../store/connect';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';

/** Processes that a process has started and that are there. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    // There is no such process.
    return false;
  }
}

/** `nestor up --ha`: pods are simulated, members of the store are not. */
describe('a cluster on three members of the store', () => {
  const cluster = new NestorCluster({ runtime: 'fake', ha: true });
  const members = (): number[] => childrenOf(cluster.pid);
  const kubectl = (command: string): Promise<string> => cluster.kubectl(...command.split(' '));
  const count = async (): Promise<string> =>
    kubectl('get deployment web -o jsonpath={.spec.replicas}/{.status.readyReplicas}');

  beforeAll(() => cluster.up());
  afterAll(async () => {
    await cluster.purge();
    rmSync(cluster.home, { recursive: true, force: true });
  });

  it('has three of them, of which one leads, and says where they are', async () => {
    expect(members()).toHaveLength(3);
    const status = await eventually(async () => {
      const { stdout } = await cluster.nestor('store', 'status');
      expect(stdout.match(/B +true +false /g) ?? []).toHaveLength(1);
      return stdout;
    });
    expect(status.match(/^https:\/\/127\.0\.0\.1:\d+ .* 3\.6\.0 /gm) ?? []).toHaveLength(3);
  });

  it('goes on while any one of them is killed, and has it back', async () => {
    await kubectl('create deployment web --image=web:1 --replicas=2');
    for (const [round, victim] of members().entries()) {
      process.kill(victim, 'SIGKILL');
      await eventually(() => kubectl(`scale deployment web --replicas=${round + 3}`), 30_000);
      await eventually(async () => expect(await count()).toBe(`${round + 3}/${round + 3}`), 60_000);
      await eventually(() => {
        expect(members()).toHaveLength(3);
        expect(members()).not.toContain(victim);
      }, 30_000);
    }
  });

  it('lets nobody at its store but itself, whatever the authority of the cluster has signed', async () => {
    const pki = (file: string): string => readFileSync(join(cluster.home, 'pki', file), 'utf8');
    const ports = JSON.parse(readFileSync(join(cluster.home, 'store-members.json'), 'utf8')) as {
      clientPort: number;
    }[];
    const endpoints = ports.map(({ clientPort }) => `https://127.0.0.1:${clientPort}`);
    const as = (name: string, requestTimeoutMs: number) =>
      connect(endpoints, {
        tls: { caPem: pki('ca.crt'), certificatePem: pki(`${name}.crt`), keyPem: pki(`${name}.key`) },
        requestTimeoutMs,
      });
    const own = await as('store-client', 20_000);
    expect((await own.range({ key: '/', rangeEnd: '0', countOnly: true })).count).toBeGreaterThan(100);
    await own.close();
    const node = await as('node', 1_500);
    await expect(node.range({ key: '/', rangeEnd: '0' })).rejects.toMatchObject({ code: 'unavailable' });
    await node.close();
  });

  it('is on three members again when it comes back, told so or not', async () => {
    const before = members();
    await cluster.nestor('down');
    expect(before.filter(isAlive)).toEqual([]);
    await cluster.nestor('up', '--detach', '--port', '0', '--runtime', 'fake');
    expect(members()).toHaveLength(3);
    expect(await count()).toMatch(/^5\//);
  });

  it('leaves no process behind when it is killed itself', async () => {
    const before = members();
    process.kill(cluster.pid, 'SIGKILL');
    await eventually(() => expect(before.filter(isAlive)).toEqual([]), 30_000);
    await cluster.up();
  });
});

it('a cluster that was begun on one member stays there, and says so', async () => {
  const cluster = new NestorCluster({ runtime: 'fake' });
  try {
    await cluster.up();
    await cluster.nestor('down');
    await expect(cluster.nestor('up', '--ha', '--runtime', 'fake', '--port', '0')).rejects.toMatchObject({
      stderr: expect.stringContaining('was begun on one member and stays there') as unknown,
    });
  } finally {
    await cluster.purge();
    rmSync(cluster.home, { recursive: true, force: true });
  }
});
