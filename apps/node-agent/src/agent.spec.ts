import { resources } from '#api';
import { AgentHarness } from './testing/agent-harness';

describe('node agent', () => {
  let harness: AgentHarness;
  beforeEach(async () => {
    harness = await new AgentHarness().start();
  });
  afterEach(() => harness.stop());

  it('runs a pod and reports it', async () => {
    harness.cluster.add(harness.pod('web'));
    await harness.run(100);
    expect(harness.runtime.takeCalls()).toEqual(['sandbox web', 'create main', 'start main']);
    expect(harness.cluster.events).toEqual([
      'Normal Pulled Pod/web: Container image "image" already present on machine and can be accessed by the pod',
      'Normal Created Pod/web: Container created',
      'Normal Started Pod/web: Container started',
    ]);
    const status = harness.status('web');
    expect(status).toMatchObject({ phase: 'Running', podIP: '10.0.1.2', hostIP: '192.0.2.1', qosClass: 'BestEffort' });
    expect(status.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
    expect(status.containerStatuses?.[0]).toMatchObject({
      name: 'main',
      ready: true,
      started: true,
      restartCount: 0,
      containerID: 'docker://c2',
      state: { running: {} },
    });
  });

  it('tells of a disk that images fill', async () => {
    harness.runtime.collection = {
      disk: { capacityBytes: 2 ** 30, availableBytes: 0 },
      wantedBytes: 2 ** 28,
      freedBytes: 0,
      images: [],
    };
    await harness.run(5 * 60_000);
    expect(harness.cluster.events).toContainEqual(
      expect.stringMatching(
        /^Warning FreeDiskSpaceFailed Node\/n1: Insufficient free disk space on .* \(100% of 1.0 GiB used\)/,
      ),
    );
  });

  it('writes the status of a quick start once', async () => {
    harness.cluster.takeWrites();
    harness.cluster.add(harness.pod('web'));
    await harness.run(1000);
    expect(harness.cluster.takeWrites().filter((write) => write.includes('pods'))).toEqual([
      'patch pods/status default/web',
    ]);
  });

  it('stops a deleted pod, then deletes it from the API and cleans up', async () => {
    harness.cluster.add(harness.pod('web'));
    await harness.run(100);
    harness.runtime.takeCalls();
    await harness.cluster.client.delete(resources.pods, { namespace: 'default', name: 'web' });
    await harness.run(100);
    await harness.run(2000);
    expect(harness.cluster.get(resources.pods, 'default/web')).toBeUndefined();
    expect(harness.runtime.takeCalls()).toEqual([
      'stop main 30s',
      'stop-sandbox s1',
      'remove main',
      'remove-sandbox s1',
    ]);
    expect(harness.cluster.events.at(-1)).toBe('Normal Killing Pod/web: Stopping container main');
  });

  it('says that the node is ready as soon as it hears that it counts as silent', async () => {
    const ready = (): unknown =>
      harness.cluster.get(resources.nodes, 'n1')?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    expect(ready()).toBe('True');
    harness.cluster.edit(resources.nodes, 'n1', (node) => {
      for (const condition of node.status?.conditions ?? []) condition.status = 'Unknown';
    });
    await harness.run(12_000);
    expect(ready()).toBe('True');
    harness.cluster.takeWrites();
    await harness.run(30_000);
    expect(harness.cluster.takeWrites().filter((write) => write.includes('nodes'))).toEqual([]);
  });

  it('restarts what crashes, with growing delays', async () => {
    harness.cluster.add(harness.pod('web'));
    await harness.run(100);
    harness.runtime.exit('main', 1);
    await harness.run(100);
    expect(harness.status('web').containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
    });
    harness.runtime.exit('main', 1);
    await harness.run(100);
    const waiting = harness.status('web').containerStatuses?.[0];
    expect(waiting?.state?.waiting).toEqual({
      reason: 'CrashLoopBackOff',
      message: 'back-off 10s restarting failed container=main pod=web_default(uid-web)',
    });
    expect(harness.status('web').phase).toBe('Running');
    await harness.run(10_000);
    expect(harness.runtime.running('main')?.attempt).toBe(2);
    harness.runtime.exit('main', 1);
    await harness.run(15_000);
    expect(harness.runtime.running('main')).toBeUndefined();
    await harness.run(6000);
    expect(harness.runtime.running('main')?.attempt).toBe(3);
  });
});
