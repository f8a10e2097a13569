import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connectToDocker, createDockerRuntime, type DockerRuntime } from '#runtime';
import { systemClock } from '#machinery';
import { silentLogger } from '#telemetry';
import { describeWith } from '../tools/requirements';
import { describeContainerRuntime } from './container-runtime.contract';
import { describePods, Pods, until } from './pods.contract';
import { SocketProxy } from './socket-proxy';

const cluster = `test-${process.pid}-${Date.now().toString(36)}`;
const second = 16 + (process.pid % 200);
let last = 1;
const nextIp = (): string => `10.199.${second}.${++last}`;

describeWith(['docker', 'root'], 'the docker runtime keeps the contract', () => {
  const connection = connectToDocker();
  let runtime: DockerRuntime;

  describeContainerRuntime(async () => {
    await connection.ensureLocalImages();
    runtime = createDockerRuntime({
      cluster,
      node: 'n1',
      clusterCidr: `10.199.${second}.0/24`,
      gateway: `10.199.${second}.1`,
      clock: systemClock,
      random: Math.random,
      logger: silentLogger(),
    });
    return {
      runtime,
      image: 'nestor.local/node',
      nextIp,
      cleanUp: async () => {
        await runtime.close();
        await connection.purgeCluster(cluster);
        connection.close();
      },
    };
  });
});

describeWith(['docker', 'root'], 'pods on Docker', () => {
  const own = `${cluster}-b`;
  const subnet = `10.198.${second}`;
  const connection = connectToDocker();
  let proxy: SocketProxy;
  let runtime: DockerRuntime;
  let pods: Pods;
  let address = 1;
  const image = 'nestor.local/node';

  beforeAll(async () => {
    await connection.ensureLocalImages();
    proxy = await SocketProxy.listen();
    runtime = makeRuntime(proxy.path);
    pods = new Pods(runtime, image, () => `${subnet}.${++address}`, makeRuntime);
  });
  afterAll(async () => {
    await runtime.close();
    await proxy.close();
    await connection.purgeCluster(own);
    connection.close();
  });

  function makeRuntime(socketPath?: string): DockerRuntime {
    return createDockerRuntime({
      cluster: own,
      node: 'n1',
      clusterCidr: `${subnet}.0/24`,
      gateway: `${subnet}.1`,
      clock: systemClock,
      random: Math.random,
      logger: silentLogger(),
      ...(socketPath === undefined ? {} : { socketPath }),
    });
  }

  describePods(() => pods);

  test('when the engine goes away calls are rejected, and when it is back watchers are told to relist', async () => {
    const { id, config } = await pods.run(['sleep', '3600']);
    await runtime.startContainer(id);
    let resyncs = 0;
    const stop = runtime.watch(
      () => undefined,
      () => resyncs++,
    );
    const stopping = runtime.stopContainer(id, 30);
    const rejected = expect(stopping).rejects.toMatchObject({ code: 'unavailable' });
    await until(async () => (await connection.version()) !== '' || undefined);
    proxy.cut();
    await rejected;
    await expect(runtime.listContainers()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(runtime.info()).rejects.toMatchObject({ code: 'unavailable' });
    proxy.mend();
    await until(() => Promise.resolve(resyncs > 0 || undefined));
    expect(await runtime.listContainers(config.pod.uid)).toHaveLength(1);
    stop();
  });

  test('a network that somebody removed is made again', async () => {
    for (const { id } of await runtime.listSandboxes()) await runtime.removeSandbox(id);
    execFileSync('docker', ['network', 'rm', `nestor-${own}`], { stdio: 'ignore' });
    const { sandbox } = await pods.run(['true']);
    expect(await runtime.listSandboxes()).toMatchObject([{ id: sandbox.id, ip: sandbox.ip }]);
  });

  test('pods share the processor as a whole with what else the machine does', async () => {
    const { sandbox } = await pods.run(['true']);
    const inspected = execFileSync('docker', ['inspect', '--format', '{{.State.Pid}}', sandbox.id], {
      encoding: 'utf8',
    });
    expect(readFileSync(`/proc/${inspected.trim()}/cgroup`, 'utf8')).toMatch(new RegExp(`:/nestor(-|\\.).*${own}`));
  });

  test('purging leaves nothing, and can be repeated', async () => {
    await pods.run(['true']);
    await connection.purgeCluster(own);
    await connection.purgeCluster(own);
    const filter = `label=nestor.dev/cluster=${own}`;
    expect(execFileSync('docker', ['ps', '-aq', '--filter', filter], { encoding: 'utf8' })).toBe('');
    expect(execFileSync('docker', ['network', 'ls', '-q', '--filter', filter], { encoding: 'utf8' })).toBe('');
    const groups = execFileSync('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', `nestor-${own}*`], {
      encoding: 'utf8',
    });
    expect(groups).toBe('');
  });
});
