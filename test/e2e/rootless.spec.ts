import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { OrdinaryUser } from '../tools/ordinary-user';
import { describeWith } from '../tools/requirements';
import { StubResolver } from '../tools/stub-resolver';

/** On loopback, where pods do not get by themselves; no other suite's. */
const resolverAddress = '127.0.77.53';
const get = `const get = (url) => new Promise((resolve) => require('http').get(url, (answer) => {
  let text = ''; answer.on('data', (part) => (text += part)).on('end', () => resolve(text.trim()));
}).on('error', (error) => resolve(error.code)));`;

describeWith(['root'], 'a cluster of somebody who is not root, without any engine', () => {
  const user = new OrdinaryUser();
  const home = join(user.home, 'cluster');
  const resolvConf = join(user.home, 'resolv.conf');
  const { command: within, environment: env } = user;
  const cluster = new NestorCluster({ runtime: 'native', home, within, env, resolvConf });
  const resolver = new StubResolver(resolverAddress, { 'outside.example': ['192.0.2.77'] });
  const hostAddress = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  // Of those that no cluster gives out by itself (KEP-3668).
  const nodePort = 30_020 + (process.pid % 50);
  let outside: Server;

  const ask = (address: string): Promise<string> =>
    fetch(`http://${address}:${nodePort}/`, { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text());
  const inPod = (script: string): Promise<string> =>
    cluster.kubectl('exec', 'deployment/hello', '--', 'node', '-e', `${get} (async () => { ${script} })()`);
  const containers = async (): Promise<string> =>
    cluster.kubectl('get', 'pods', '-o', 'jsonpath={.items[*].status.containerStatuses[*].containerID}');
  const answerOfAll = (address: string): Promise<void> => {
    const names = new Set<string>();
    return eventually(async () => {
      names.add(await ask(address));
      expect([...names].filter((answer) => answer.startsWith('Hello from Nestor, this is hello-'))).toHaveLength(3);
    });
  };

  beforeAll(async () => {
    await resolver.start();
    writeFileSync(resolvConf, `nameserver ${resolverAddress}\n`, { mode: 0o644 });
    outside = createServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nfrom outside'));
    await new Promise<void>((resolve) => outside.listen(0, '0.0.0.0', resolve));
    await cluster.up();
    const manifest = readFileSync(join(__dirname, '../../examples/hello/hello.yaml'), 'utf8');
    await cluster.kubectlWith(manifest.replace('nodePort: 30080', `nodePort: ${nodePort}`), 'apply', '-f', '-');
    await cluster.kubectl('rollout', 'status', 'deployment/hello', '--timeout=120s');
  });
  afterAll(async () => {
    await cluster.purge();
    await resolver.stop();
    outside.close();
    rmSync(user.home, { recursive: true });
  });

  test('the node is ready, and says what it cannot do', async () => {
    const conditions = await cluster.kubectl(
      ...['get', 'nodes', '-o', 'jsonpath={range .items[0].status.conditions[*]}{.type}={.status} {end}'],
    );
    expect(conditions.split(' ')).toEqual(
      expect.arrayContaining(['Ready=True', 'ResourceLimitsIgnored=True', 'SingleUser=True', 'NetworkRestricted=True']),
    );
  });

  test('a node port of the machine leads to each of three pods, on loopback and on its own address', async () => {
    await answerOfAll('127.0.0.1');
    if (hostAddress !== undefined) await answerOfAll(hostAddress);
  });

  test('a pod reaches a Service by its name and its address, and names and servers outside', async () => {
    const address = await cluster.kubectl('get', 'service', 'hello', '-o', 'jsonpath={.spec.clusterIP}');
    const { port } = outside.address() as { port: number };
    const found = await inPod(`console.log(JSON.stringify([
      await get('http://hello/'), await get('http://hello.default.svc.cluster.local/'), await get('http://${address}/'),
      ${hostAddress === undefined ? "'from outside'" : `await get('http://${hostAddress}:${port}/')`},
      await require('dns').promises.resolve4('outside.example'), await get('http://127.0.0.1:${port}/'),
    ]))`);
    const hello = expect.stringMatching(/^Hello from Nestor, this is hello-/) as string;
    expect(JSON.parse(found)).toEqual([hello, hello, hello, 'from outside', ['192.0.2.77'], 'ECONNREFUSED']);
  });

  test('logs are read, and commands run as root of the pod, which is nobody on the machine', async () => {
    expect(await cluster.kubectl('logs', 'deployment/hello')).toContain('listening on 8080');
    expect(await cluster.kubectl('exec', 'deployment/hello', '--', 'id', '-u')).toBe('0\n');
    const uids = user.processes().filter((line) => line.includes('/app/server.js'));
    expect(uids).toHaveLength(3);
  });

  test('where the kernel forbids user namespaces, it is told which setting does, and what to do', async () => {
    const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
    const forbidden = ['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c', forbid, 'sh'];
    const other = new NestorCluster({
      runtime: 'native',
      home: join(user.home, 'other'),
      within: [...within, ...forbidden],
      env,
    });
    await expect(other.up()).rejects.toThrow(
      'user.max_user_namespaces is 0, as root: sysctl user.max_user_namespaces=',
    );
  });

  test('who is not there without a range of user numbers is told so', async () => {
    const overrides = JSON.stringify({
      spec: { securityContext: { runAsUser: 1000 }, automountServiceAccountToken: false },
    });
    const args = ['--image=nestor.local/node', '--restart=Never', `--overrides=${overrides}`];
    await cluster.kubectl('run', 'somebody', ...args, '--', 'true');
    await eventually(async () => {
      expect(await cluster.kubectl('get', 'pod', 'somebody', '-o', 'json')).toContain(
        'without root there is no user 1000 here, only 0: more take newuidmap',
      );
    });
    await cluster.kubectl('delete', 'pod', 'somebody');
  });

  test('containers survive the end of Nestor, and the next one finds them', async () => {
    const before = await containers();
    process.kill(cluster.pid, 'SIGKILL');
    await cluster.up();
    await answerOfAll('127.0.0.1');
    expect(await containers()).toBe(before);
  });

  test('purging leaves no process, no mount, no port and no file', async () => {
    expect(user.processes()).not.toEqual([]);
    await cluster.purge();
    expect(user.processes()).toEqual([]);
    expect(readdirSync(user.home)).not.toContain('cluster');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(user.home);
    await expect(ask('127.0.0.1')).rejects.toThrow();
  });
});
