import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../tools/eventually';
import { KubernetesApi } from '../tools/kubernetes-api';
import { kubectlPath, type KubectlVersion } from '../tools/kubernetes-clients';
import { NestorCluster } from '../tools/nestor';
import { container, idle, PodLab } from '../tools/pod-lab';
import { describeWith } from '../tools/requirements';
import { messagesOf } from '../tools/web-socket-client';

const run = promisify(execFile);
/** The older one as clients were before KEP-4006, which speak SPDY. */
const clients: readonly (readonly [KubectlVersion, string, NodeJS.ProcessEnv])[] = [
  ['v32', 'SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }],
  ['v35', 'WebSockets', {}],
];
const server = "require('http').createServer((q, r) => q.pipe(r)).listen(8080, '127.0.0.1')";
const counter = 'for i in 1 2 3 4 5 6; do echo line $i; sleep 0.2; done; exit 1';

describeWith(['docker', 'root'], 'streams to pods, with each kubectl, on Docker', () => {
  const cluster = new NestorCluster();
  let api: KubernetesApi;
  let lab: PodLab;
  const directory = mkdtempSync(join(tmpdir(), 'nestor-streams-'));
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    await cluster.up();
    api = await KubernetesApi.connect(cluster);
    lab = new PodLab(cluster, api);
    await lab.apply(
      lab.pod('box', [
        container('main', ['node', '-e', server]),
        container('shell', ['sh'], { stdin: true, tty: true }),
      ]),
      lab.pod('counter', [container('main', counter)]),
      lab.pod('ended', [container('main', 'exit 1')], { restartPolicy: 'Never' }),
      lab.pod('stuck', [container('main', idle)], { nodeSelector: { no: 'where' } }),
      lab.pod('unset', [container('main', idle, { envFrom: [{ configMapRef: { name: 'absent' } }] })]),
    );
    await lab.ready('box');
    await lab.ended('ended');
  });
  afterAll(async () => {
    for (const child of children) child.kill();
    api?.close();
    await cluster.purge();
  });

  describe.each(clients)('kubectl %s by %s', (version, _, protocols) => {
    const environment = () => ({ ...process.env, ...protocols, KUBECONFIG: cluster.kubeconfig, HOME: cluster.home });
    const kubectl = async (...args: readonly string[]): Promise<string> => {
      const env = environment();
      return (await run(await kubectlPath(version), args, { env })).stdout;
    };
    const spawned = async (...args: readonly string[]): Promise<{ child: ChildProcess; said: () => string }> => {
      const env = environment();
      const child = execFile(await kubectlPath(version), args, { env }, () => undefined);
      children.push(child);
      let said = '';
      child.stdout?.on('data', (chunk) => (said += String(chunk)));
      return { child, said: () => said };
    };

    it('forwards ports, of servers on loopback too, many times and megabytes', async () => {
      const { child, said } = await spawned('port-forward', 'pod/box', ':8080');
      const port = await eventually(() => {
        const found = /127\.0\.0\.1:(\d+) -> 8080/.exec(said())?.[1];
        expect(found).toBeDefined();
        return found;
      });
      const echo = async (body: string): Promise<string> =>
        (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body, headers: { connection: 'close' } })).text();
      expect(await echo('first')).toBe('first');
      const large = 'x'.repeat(4 << 20);
      const answers = await Promise.all(['a', 'b', large].map(echo));
      expect(answers.map(({ length }) => length)).toEqual([1, 1, large.length]);
      child.kill();
    });

    it('copies both ways', async () => {
      const [sent, received] = [join(directory, `${version}-sent`), join(directory, `${version}-received`)];
      writeFileSync(sent, 'a\0b'.repeat(100_000));
      await kubectl('cp', sent, `box:/tmp/${version}`, '-c', 'main');
      await kubectl('cp', `box:/tmp/${version}`, received, '-c', 'main');
      expect(readFileSync(received).equals(readFileSync(sent))).toBe(true);
    });

    it('runs commands: input, output, outcome, terminal', async () => {
      const { child, said } = await spawned('exec', '-i', 'box', '-c', 'main', '--', 'sh', '-c', 'cat; echo done');
      child.stdin?.end('given');
      await eventually(() => expect(said()).toBe('givendone\n'));
      await expect(kubectl('exec', 'box', '-c', 'main', '--', 'sh', '-c', 'exit 7')).rejects.toMatchObject({ code: 7 });
      const command = `'${await kubectlPath(version)}' exec -it box -c main -- sh -c 'test -t 0 && tty'`;
      const env = environment();
      expect((await run('script', ['-qec', command, '/dev/null'], { env })).stdout).toContain('/dev/pts/');
    });

    it('attaches', async () => {
      const { child, said } = await spawned('attach', '-i', 'box', '-c', 'shell');
      child.stdin?.write(`echo seen-$((40 + 2))-${version}\n`);
      await eventually(() => expect(said()).toContain(`seen-42-${version}`));
      child.kill();
    });

    it('debugs a container, whose processes it sees, and a node', async () => {
      const script = 'readlink /proc/1/exe';
      const name = `debug-${version}`;
      const debug = ['--profile=general', '--image=nestor.local/node', '--image-pull-policy=IfNotPresent'];
      await kubectl('debug', 'box', '-q', '--target=main', '-c', name, ...debug, '--', 'sh', '-c', script);
      await eventually(async () => expect(await kubectl('logs', 'box', '-c', name)).toBe('/usr/local/bin/node\n'));
      const node = await kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
      await kubectl('debug', `node/${node}`, '-q', ...debug, '--', 'cat', '/host/etc/hostname');
      const pod =
        (await kubectl('get', 'pods', '-o', 'name')).split('\n').find((line) => line.includes('debugger')) ?? '';
      await eventually(async () => expect(await kubectl('logs', pod)).toBe(readFileSync('/etc/hostname', 'utf8')));
      await kubectl('delete', pod);
    });

    it('says why it cannot', async () => {
      await expect(kubectl('exec', 'box', '-c', 'none', '--', 'true')).rejects.toThrow(
        'container none is not valid for pod box',
      );
      await expect(kubectl('exec', 'nobody', '--', 'true')).rejects.toThrow('pods "nobody" not found');
      await expect(kubectl('exec', 'stuck', '--', 'true')).rejects.toThrow('pod stuck does not have a host assigned');
      await expect(kubectl('exec', 'ended', '--', 'true')).rejects.toThrow(
        'cannot exec into a container in a completed pod; current phase is Failed',
      );
      await expect(kubectl('logs', 'unset')).rejects.toThrow(
        'container "main" in pod "unset" is waiting to start: CreateContainerConfigError',
      );
      await expect(kubectl('logs', 'box', '-c', 'none')).rejects.toThrow('container none is not valid for pod box');
    });

    it('shows logs: the last, the previous, since, stamped, followed across an end', async () => {
      await lab.until('counter', ({ containerStatuses = [] }) =>
        expect(containerStatuses[0]?.restartCount).toBeGreaterThan(0),
      );
      await eventually(async () => expect(await kubectl('logs', 'counter', '--tail=1')).toBe('line 6\n'));
      expect(await kubectl('logs', 'counter', '--previous')).toBe(
        [1, 2, 3, 4, 5, 6].map((i) => `line ${i}\n`).join(''),
      );
      expect(await kubectl('logs', 'counter', '--timestamps', '--tail=1')).toMatch(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line 6\n$/,
      );
      expect(await kubectl('logs', 'counter', '--since-time=2999-01-01T00:00:00Z')).toBe('');
      expect(await kubectl('logs', 'counter', '--limit-bytes=4', '--since=1h')).toBe('line');
      expect(await kubectl('logs', '-f', 'counter', '--prefix', '--tail=1')).toBe('[pod/counter/main] line 6\n');
    });
  });

  it('answers those who speak WebSocket and name an older protocol, or none', async () => {
    const pod = '/api/v1/namespaces/default/pods/box';
    const echo = '/exec?container=main&stdout=1&stderr=1&command=echo&command=remote%20execution';
    const said = await messagesOf(cluster, `${pod}${echo}`, 'channel.k8s.io');
    expect(said.filter((message) => message.length > 1)).toEqual(['\x01remote execution\n']);
    const log = await messagesOf(cluster, '/api/v1/namespaces/default/pods/counter/log?tailLines=1', 'binary.k8s.io');
    expect(log.join('')).toMatch(/^line \d\n$/);
    const events = await messagesOf(cluster, '/api/v1/namespaces/default/pods?watch=true&timeoutSeconds=1');
    expect(events.map((event) => (JSON.parse(event) as { type: string }).type)).toContain('ADDED');
  });
});
