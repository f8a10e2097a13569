import { type ContainerStatus } from '#api';
import { eventually } from '../tools/eventually';
import { KubernetesApi } from '../tools/kubernetes-api';
import { NestorCluster } from '../tools/nestor';
import { container, idle, PodLab } from '../tools/pod-lab';
import { describeWith } from '../tools/requirements';

const first = (statuses: readonly ContainerStatus[] | undefined): ContainerStatus => statuses?.[0] as ContainerStatus;
const never = { restartPolicy: 'Never' };
const secondly = { periodSeconds: 1, failureThreshold: 1 };

describeWith(['docker', 'root'], 'the life of pods, on Docker', () => {
  const cluster = new NestorCluster();
  let api: KubernetesApi;
  let lab: PodLab;
  const remove = (name: string): Promise<string> => cluster.kubectl('delete', 'pod', name, '--timeout=30s');

  beforeAll(async () => {
    await cluster.up();
    api = await KubernetesApi.connect(cluster);
    lab = new PodLab(cluster, api);
    // All at once: they are looked at one by one while the others get on.
    const grpc = ['node', '-e', grpcServer];
    await lab.apply(
      lab.pod('plain', [container('main', idle)]),
      lab.pod('crash', [container('main', 'echo going down; exit 3')]),
      lab.pod('done', [container('main', 'echo -n bye > /dev/termination-log')], never),
      lab.pod(
        'log-tail',
        [container('main', 'echo last words; exit 4', { terminationMessagePolicy: 'FallbackToLogsOnError' })],
        never,
      ),
      lab.pod('retried', [container('main', '[ -f /keep/seen ] || { touch /keep/seen; exit 1; }', keep)], {
        restartPolicy: 'OnFailure',
        volumes: [{ name: 'keep', emptyDir: {} }],
      }),
      lab.pod(
        'oom',
        [container('main', ['node', '-e', 'for (const a = []; ; ) a.push(Buffer.alloc(2 ** 20, 1))'], small)],
        never,
      ),
      lab.pod('no-program', [container('main', ['/nowhere'])], never),
      lab.pod('overdue', [container('main', idle)], { activeDeadlineSeconds: 4 }),
      lab.pod('bad-init', [container('main', idle)], { ...never, initContainers: [container('first', 'exit 5')] }),
      lab.pod('family', [container('main', `date +%s%N; ${idle}`)], {
        terminationGracePeriodSeconds: 10,
        initContainers: [
          container('sidecar', idle, { restartPolicy: 'Always' }),
          container('first', 'true'),
          container('second', 'true'),
        ],
      }),
      lab.pod('hung', [
        container('main', idle, { livenessProbe: { exec: { command: ['cat', '/absent'] }, ...secondly } }),
      ]),
      lab.pod('unready', [
        container('main', idle, { readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, ...secondly } }),
      ]),
      lab.pod('slow', [
        container('main', idle, {
          startupProbe: { exec: { command: ['cat', '/tmp/up'] }, periodSeconds: 1, failureThreshold: 60 },
          livenessProbe: { exec: { command: ['cat', '/tmp/up'] }, ...secondly },
        }),
      ]),
      lab.pod('closed', [container('main', idle, { readinessProbe: { tcpSocket: { port: 81 }, ...secondly } })]),
      lab.pod('rpc', [container('main', grpc, { readinessProbe: { grpc: { port: 9000 }, ...secondly } })]),
      lab.pod('hooked', [
        container('main', idle, { lifecycle: { postStart: { exec: { command: ['sh', '-c', 'exit 9'] } } } }),
      ]),
      lab.pod(
        'parting',
        [
          container('main', "trap 'echo term; exit 0' TERM; while :; do sleep 0.1; done", {
            lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo hook > /proc/1/fd/1'] } } },
          }),
        ],
        { terminationGracePeriodSeconds: 20 },
      ),
      lab.pod('deaf', [container('main', "trap '' TERM; while :; do sleep 0.1; done")]),
      lab.pod('no-image', [container('main', idle, { image: 'registry.invalid/none:1' })]),
      lab.pod('never-pulled', [
        container('main', idle, { image: 'registry.invalid/none:1', imagePullPolicy: 'Never' }),
      ]),
      lab.pod('misnamed', [container('main', idle, { image: 'Not//An:Image:Name' })]),
      lab.pod('too-big', [container('main', idle, { resources: { requests: { cpu: '900' } } })]),
      lab.pod('homeless', [container('main', idle)], { nodeSelector: { disk: 'ssd' } }),
    );
  });
  afterAll(async () => {
    api?.close();
    await cluster.purge();
  });

  it('is told by events, in upstream’s words', async () => {
    await lab.ready('plain');
    // Events are written when there is time, behind the status.
    const events = await eventually(async () => {
      const told = await lab.events('plain');
      expect(told).toHaveLength(4);
      return told;
    });
    expect(events.slice(0, 1)).toEqual([
      expect.stringMatching(/^Normal Scheduled: Successfully assigned default\/plain to /),
    ]);
    expect(events.slice(1)).toEqual([
      'Normal Pulled: Container image "nestor.local/node" already present on machine and can be accessed by the pod',
      'Normal Created: Container created',
      'Normal Started: Container started',
    ]);
  });

  it('restarts what ends, later and later', async () => {
    await lab.until('crash', ({ phase, containerStatuses }) => {
      expect(phase).toBe('Running');
      expect(first(containerStatuses).restartCount).toBeGreaterThan(0);
      expect(first(containerStatuses)).toMatchObject({
        ready: false,
        started: false,
        state: {
          waiting: {
            reason: 'CrashLoopBackOff',
            message: expect.stringMatching(
              /^back-off \d+s restarting failed container=main pod=crash_default\(/,
            ) as string,
          },
        },
        lastState: { terminated: { exitCode: 3, reason: 'Error' } },
      });
    });
    await lab.event('crash', /^Warning BackOff: Back-off restarting failed container main in pod crash_default\(/);
  });

  it('ends as its restart policy says', async () => {
    await lab.ended('done');
    expect(await lab.status('done')).toMatchObject({
      phase: 'Succeeded',
      containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed', message: 'bye' } } }],
    });
    await lab.ended('log-tail');
    expect(await lab.status('log-tail')).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { terminated: { exitCode: 4, reason: 'Error', message: 'last words\n' } } }],
    });
    await lab.ended('retried');
    expect(await lab.status('retried')).toMatchObject({ phase: 'Succeeded', containerStatuses: [{ restartCount: 1 }] });
    await lab.ended('oom');
    expect(first((await lab.status('oom')).containerStatuses).state?.terminated).toMatchObject({
      exitCode: 137,
      reason: 'OOMKilled',
    });
    await lab.ended('no-program');
    expect(first((await lab.status('no-program')).containerStatuses).state?.terminated).toMatchObject({
      exitCode: 127,
      reason: 'ContainerCannotRun',
    });
  });

  it('ends at its deadline', async () => {
    await lab.ended('overdue');
    expect(await lab.status('overdue')).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
    expect(first((await lab.status('overdue')).containerStatuses).state?.terminated).toBeDefined();
  });

  it('goes no further than an init container that fails', async () => {
    await lab.ended('bad-init');
    expect(await lab.status('bad-init')).toMatchObject({
      phase: 'Failed',
      initContainerStatuses: [{ state: { terminated: { exitCode: 5 } } }],
      containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    });
    expect(await cluster.kubectl('get', 'pod', 'bad-init')).toContain('Init:Error');
  });

  it('starts init containers in order, and stops sidecars last', async () => {
    await lab.ready('family');
    const { initContainerStatuses = [], containerStatuses } = await lab.status('family');
    const [sidecar, one, two] = initContainerStatuses;
    expect(sidecar).toMatchObject({ ready: true, started: true, state: { running: {} } });
    const times = [
      one?.state?.terminated?.startedAt,
      two?.state?.terminated?.startedAt,
      first(containerStatuses).state?.running?.startedAt,
    ];
    expect([...times].sort()).toEqual(times);
    await remove('family');
    const killed = (await lab.events('family')).filter((event) => event.includes('Killing'));
    expect(killed).toEqual(['Normal Killing: Stopping container main', 'Normal Killing: Stopping container sidecar']);
  });

  it('restarts what fails its liveness probe', async () => {
    await lab.event('hung', /^Warning Unhealthy: Liveness probe failed: cat: can't open '\/absent'/);
    await lab.event('hung', 'Normal Killing: Container main failed liveness probe, will be restarted');
    await lab.until('hung', ({ containerStatuses }) =>
      expect(first(containerStatuses).restartCount).toBeGreaterThan(0),
    );
  });

  it('sends nothing to what is not ready', async () => {
    await lab.event('unready', /^Warning Unhealthy: Readiness probe failed: cat: can't open/);
    expect((await lab.status('unready')).conditions).toContainEqual(
      expect.objectContaining({
        type: 'Ready',
        status: 'False',
        reason: 'ContainersNotReady',
        message: 'containers with unready status: [main]',
      }),
    );
    await lab.exec('unready', 'touch', '/tmp/ready');
    await lab.ready('unready');
    await lab.exec('unready', 'rm', '/tmp/ready');
    await lab.until('unready', ({ containerStatuses }) => expect(first(containerStatuses).ready).toBe(false));
    await lab.event(
      'closed',
      /^Warning Unhealthy: Readiness probe failed: dial tcp [\d.]+:81: connect: connection refused$/,
    );
    await lab.ready('rpc');
  });

  it('probes nothing else before the startup probe has succeeded', async () => {
    await lab.event('slow', /^Warning Unhealthy: Startup probe failed: /);
    expect(first((await lab.status('slow')).containerStatuses)).toMatchObject({
      started: false,
      ready: false,
      restartCount: 0,
    });
    expect((await lab.events('slow')).join()).not.toContain('Liveness');
    await lab.exec('slow', 'touch', '/tmp/up');
    await lab.ready('slow');
  });

  it('restarts a container whose postStart hook fails', async () => {
    await lab.event('hooked', 'Warning FailedPostStartHook: PostStartHook failed');
    await lab.event('hooked', 'Normal Killing: FailedPostStartHook');
    await lab.until('hooked', ({ containerStatuses }) =>
      expect(first(containerStatuses).restartCount).toBeGreaterThan(0),
    );
  });

  it('runs the preStop hook, then sends the signal, then waits no longer than it should', async () => {
    await lab.ready('parting');
    const follow = await cluster.kubectlStream('logs', '-f', 'parting');
    let seen = '';
    follow.stdout?.on('data', (chunk) => (seen += String(chunk)));
    await remove('parting');
    await eventually(() => expect(seen).toBe('hook\nterm\n'));
    follow.kill();
    await lab.ready('deaf');
    const startedAt = Date.now();
    await remove('deaf');
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });

  it('waits for an image, and says why', async () => {
    await lab.event('no-image', 'Normal BackOff: Back-off pulling image "registry.invalid/none:1"');
    const events = await lab.events('no-image');
    expect(events).toEqual(
      expect.arrayContaining([
        'Normal Pulling: Pulling image "registry.invalid/none:1"',
        expect.stringMatching(
          /^Warning Failed: Failed to pull image "registry.invalid\/none:1": .*no such host|^Warning Failed: Failed to pull image/,
        ),
        'Warning Failed: Error: ErrImagePull',
        'Warning Failed: Error: ImagePullBackOff',
      ]),
    );
    const waiting = async (name: string): Promise<unknown> =>
      first((await lab.status(name)).containerStatuses).state?.waiting;
    await eventually(
      async () =>
        expect(await waiting('no-image')).toMatchObject({
          reason: 'ImagePullBackOff',
          message: expect.stringMatching(
            /^Back-off pulling image "registry.invalid\/none:1": ErrImagePull: /,
          ) as string,
        }),
      40_000,
    );
    expect(await waiting('never-pulled')).toEqual({
      reason: 'ErrImageNeverPull',
      message: 'Container image "registry.invalid/none:1" is not present with pull policy of Never',
    });
    expect(await waiting('misnamed')).toEqual({
      reason: 'InvalidImageName',
      message:
        'Failed to apply default image tag "Not//An:Image:Name": couldn\'t parse image name "Not//An:Image:Name": invalid reference format',
    });
  });

  it('waits for a node, and says why', async () => {
    const tail =
      'no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
    const texts = { 'too-big': '1 Insufficient cpu', homeless: "1 node(s) didn't match Pod's node affinity/selector" };
    for (const [name, text] of Object.entries(texts)) {
      const message = `0/1 nodes are available: ${text}. ${tail}`;
      await lab.event(name, `Warning FailedScheduling: ${message}`);
      expect((await lab.status(name)).conditions).toContainEqual(
        expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }),
      );
    }
    const node = (await cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
    await cluster.kubectl('label', 'node', node, 'disk=ssd');
    await lab.ready('homeless');
  });
});

const keep = { volumeMounts: [{ name: 'keep', mountPath: '/keep' }] };
const small = { resources: { limits: { memory: '64Mi' } } };

/** Answers every call as `grpc.health.v1.Health/Check` would: SERVING. */
const grpcServer = `
const server = require('node:http2').createServer();
server.on('stream', (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
});
server.listen(9000);
`;
