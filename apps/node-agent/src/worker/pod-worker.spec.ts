import { resources } from '#api';
import { RuntimeError } from '#runtime';
import { AgentHarness } from '../testing/agent-harness';

describe('pod worker', () => {
  let harness: AgentHarness;
  beforeEach(() => {
    harness = new AgentHarness();
  });
  afterEach(() => harness.stop());

  const waiting = (name: string) => harness.status(name).containerStatuses?.[0]?.state?.waiting;

  it('pulls a missing image', async () => {
    await harness.start();
    harness.cluster.add(harness.pod('web', (pod) => (pod.spec!.containers[0]!.image = 'nginx:1.27')));
    await harness.run(100);
    expect(harness.runtime.takeCalls()).toEqual(['sandbox web', 'pull nginx:1.27', 'create main', 'start main']);
    expect(harness.cluster.events.slice(0, 2)).toEqual([
      'Normal Pulling Pod/web: Pulling image "nginx:1.27"',
      'Normal Pulled Pod/web: Successfully pulled image "nginx:1.27" in 0ms (0ms including waiting). Image size: 1000 bytes.',
    ]);
  });

  it('backs off from an image that cannot be pulled', async () => {
    await harness.start();
    harness.runtime.failures.set('pull nginx:9', new RuntimeError('image-not-found', 'manifest unknown'));
    harness.cluster.add(harness.pod('web', (pod) => (pod.spec!.containers[0]!.image = 'nginx:9')));
    await harness.run(100);
    expect(waiting('web')).toEqual({ reason: 'ErrImagePull', message: 'manifest unknown' });
    await harness.run(2000);
    expect(waiting('web')).toEqual({
      reason: 'ImagePullBackOff',
      message: 'Back-off pulling image "nginx:9": ErrImagePull: manifest unknown',
    });
    expect(harness.status('web').phase).toBe('Pending');
    expect(harness.cluster.events).toContain(
      'Warning Failed Pod/web: Failed to pull image "nginx:9": manifest unknown',
    );
    expect(harness.cluster.events).toContain('Warning Failed Pod/web: Error: ImagePullBackOff');
    harness.runtime.failures.clear();
    await harness.run(10_000);
    expect(harness.status('web').phase).toBe('Running');
  });

  it.each([
    ['Never', 'gone:1', 'ErrImageNeverPull', 'Container image "gone:1" is not present with pull policy of Never'],
    [
      'IfNotPresent',
      'Bad:Image:Name',
      'InvalidImageName',
      'Failed to apply default image tag "Bad:Image:Name": couldn\'t parse image name "Bad:Image:Name": invalid reference format',
    ],
  ])('says why an image with policy %s cannot be had', async (imagePullPolicy, image, reason, message) => {
    await harness.start();
    harness.cluster.add(
      harness.pod('web', (pod) => Object.assign(pod.spec!.containers[0]!, { image, imagePullPolicy })),
    );
    await harness.run(100);
    expect(waiting('web')).toEqual({ reason, message });
  });

  it('waits for what the configuration refers to', async () => {
    await harness.start();
    harness.cluster.add(
      harness.pod('web', (pod) => {
        pod.spec!.containers[0]!.env = [
          { name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'a' } } },
          { name: 'B', value: '$(A)-$(POD)-$$(A)-$(NONE)' },
        ];
      }),
    );
    await harness.run(100);
    expect(waiting('web')).toEqual({ reason: 'CreateContainerConfigError', message: 'configmap "settings" not found' });
    expect(harness.cluster.events).toContain('Warning Failed Pod/web: Error: configmap "settings" not found');
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name: 'settings' } };
    harness.cluster.add(settings);
    await harness.run(12_000);
    expect(waiting('web')?.message).toBe("couldn't find key a in ConfigMap default/settings");
    harness.cluster.add({ ...settings, data: { a: '1' } } as never);
    await harness.run(25_000);
    const { id } = harness.runtime.running('main')!;
    expect(harness.runtime.configs.get(id)?.env.slice(0, 2)).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: '1-$(POD)-$(A)-$(NONE)' },
    ]);
  });

  it('reports what the runtime says when a container cannot start', async () => {
    await harness.start();
    harness.runtime.failures.set('start main', new RuntimeError('start-failed', 'exec: "nope": not found'));
    harness.cluster.add(harness.pod('web'));
    await harness.run(100);
    expect(waiting('web')).toEqual({ reason: 'RunContainerError', message: 'exec: "nope": not found' });
  });

  it('waits for the address range of the node', async () => {
    harness.cluster.add({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: { podCIDR: '' } } as never);
    await harness.start();
    harness.cluster.add(harness.pod('web'));
    await harness.run(100);
    expect(harness.runtime.takeCalls()).toEqual([]);
    harness.cluster.edit(resources.nodes, 'n1', (node) => (node.spec = { podCIDR: '10.9.0.0/24' }));
    await harness.run(100);
    expect(harness.status('web')).toMatchObject({ phase: 'Running', podIP: '10.9.0.2' });
  });

  it('lets the service proxy let go before the first signal, for a second at most', async () => {
    const drained: string[] = [];
    await harness.start({}, { beforeSigterm: (pod) => new Promise(() => drained.push(pod.metadata?.name ?? '')) });
    harness.cluster.add(harness.pod('web'));
    await harness.run(100);
    harness.runtime.takeCalls();
    await harness.cluster.client.delete(resources.pods, { namespace: 'default', name: 'web' });
    await harness.run(900);
    expect([drained, harness.runtime.takeCalls()]).toEqual([['web'], []]);
    await harness.run(200);
    expect(harness.runtime.takeCalls()[0]).toBe('stop main 30s');
  });

  it('runs preStop hooks within the grace period and shortens it on demand', async () => {
    await harness.start();
    harness.runtime.stubborn.add('main');
    harness.cluster.add(
      harness.pod('web', (pod) => (pod.spec!.containers[0]!.lifecycle = { preStop: { sleep: { seconds: 5 } } })),
    );
    await harness.run(100);
    harness.runtime.takeCalls();
    await harness.cluster.client.delete(resources.pods, { namespace: 'default', name: 'web' });
    await harness.run(4000);
    expect(harness.runtime.takeCalls()).toEqual([]);
    await harness.run(2000);
    expect(harness.runtime.takeCalls()).toEqual(['stop main 25s']);
    harness.cluster.edit(resources.pods, 'default/web', (pod) => (pod.metadata!.deletionGracePeriodSeconds = 1));
    await harness.run(3000);
    expect(harness.runtime.takeCalls()).toContain('stop main 1s');
    expect(harness.cluster.get(resources.pods, 'default/web')).toBeUndefined();
  });

  it('kills a container whose postStart hook fails', async () => {
    await harness.start();
    harness.runtime.execAnswers.set('false', { exitCode: 1, output: 'no' });
    harness.cluster.add(
      harness.pod(
        'web',
        (pod) => (pod.spec!.containers[0]!.lifecycle = { postStart: { exec: { command: ['false'] } } }),
      ),
    );
    await harness.run(100);
    expect(harness.runtime.takeCalls()).toContain('stop main 30s');
    expect(waiting('web')?.reason).toBe('PostStartHookError');
    expect(harness.cluster.events).toContain('Normal Killing Pod/web: FailedPostStartHook');
  });

  it('restarts what its liveness probe fails', async () => {
    await harness.start();
    harness.runtime.execAnswers.set('check', { exitCode: 1, output: 'bad' });
    harness.cluster.add(
      harness.pod('web', (pod) => {
        pod.spec!.containers[0]!.livenessProbe = {
          exec: { command: ['check'] },
          periodSeconds: 2,
          failureThreshold: 2,
        };
      }),
    );
    await harness.run(100);
    expect(harness.runtime.running('main')?.attempt).toBe(0);
    harness.runtime.execAnswers.clear();
    await harness.run(100);
    await harness.run(3000);
    harness.runtime.execAnswers.set('check', { exitCode: 1, output: 'bad' });
    await harness.run(4000);
    expect(harness.cluster.events).toContain('Warning Unhealthy Pod/web: Liveness probe failed: bad');
    expect(harness.cluster.events).toContain(
      'Normal Killing Pod/web: Container main failed liveness probe, will be restarted',
    );
    harness.runtime.execAnswers.clear();
    await harness.run(100);
    expect(harness.runtime.running('main')?.attempt).toBe(1);
  });

  it('is ready when its startup and readiness probes say so', async () => {
    await harness.start();
    harness.runtime.execAnswers.set('up', { exitCode: 1, output: '' });
    harness.cluster.add(
      harness.pod('web', (pod) => {
        const probe = { exec: { command: ['up'] }, periodSeconds: 1, failureThreshold: 30 };
        Object.assign(pod.spec!.containers[0]!, {
          startupProbe: probe,
          readinessProbe: { exec: { command: ['ready'] } },
        });
      }),
    );
    await harness.run(3000);
    expect(harness.status('web').containerStatuses?.[0]).toMatchObject({ started: false, ready: false });
    expect(harness.status('web').conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [main]',
    });
    harness.runtime.execAnswers.clear();
    await harness.run(1500);
    expect(harness.status('web').containerStatuses?.[0]).toMatchObject({ started: true, ready: true });
  });

  it('ends a pod that outlives its deadline', async () => {
    await harness.start();
    harness.cluster.add(harness.pod('web', (pod) => (pod.spec!.activeDeadlineSeconds = 20)));
    await harness.run(19_000);
    expect(harness.status('web').phase).toBe('Running');
    await harness.run(2000);
    expect(harness.status('web')).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(harness.runtime.running('main')).toBeUndefined();
  });

  it('reports success and stays there', async () => {
    await harness.start();
    harness.cluster.add(harness.pod('job', (pod) => (pod.spec!.restartPolicy = 'Never')));
    await harness.run(100);
    harness.runtime.exit('main', 0);
    await harness.run(100);
    expect(harness.status('job')).toMatchObject({ phase: 'Succeeded' });
    harness.runtime.takeCalls();
    await harness.run(120_000);
    expect(harness.runtime.takeCalls()).toEqual([]);
  });

  it('refuses what does not fit any more', async () => {
    await harness.start({ maxPods: 1 });
    harness.cluster.add(harness.pod('first'));
    await harness.run(100);
    harness.cluster.add(harness.pod('second'));
    await harness.run(100);
    expect(harness.status('second')).toMatchObject({
      phase: 'Failed',
      reason: 'OutOfpods',
      message: "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1",
    });
  });

  it('goes by the labels that the node has now', async () => {
    await harness.start();
    harness.cluster.edit(resources.nodes, 'n1', (node) => (node.metadata!.labels = { disk: 'ssd' }));
    harness.cluster.add(harness.pod('fast', (pod) => (pod.spec!.nodeSelector = { disk: 'ssd' })));
    harness.cluster.add(harness.pod('slow', (pod) => (pod.spec!.nodeSelector = { disk: 'tape' })));
    await harness.run(100);
    expect(harness.status('fast').phase).toBe('Running');
    expect(harness.status('slow')).toMatchObject({ phase: 'Failed', reason: 'NodeAffinity' });
  });

  it('says of containers that never started in a pod that has ended that nothing is known of them', async () => {
    await harness.start();
    harness.runtime.failures.set('pull nginx:9', new RuntimeError('image-not-found', 'manifest unknown'));
    harness.cluster.add(
      harness.pod('web', (pod) => {
        pod.spec!.activeDeadlineSeconds = 5;
        pod.spec!.containers[0]!.image = 'nginx:9';
      }),
    );
    await harness.run(6000);
    expect(harness.status('web')).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(harness.status('web').containerStatuses?.[0]?.state).toEqual({
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
      },
    });
  });

  it('leaves containers alone that were not due when an init container failed', async () => {
    await harness.start();
    harness.cluster.add(
      harness.pod('web', (pod) => {
        pod.spec!.restartPolicy = 'Never';
        pod.spec!.initContainers = [{ name: 'first', image: 'app:1' }];
      }),
    );
    await harness.run(100);
    harness.runtime.exit('first', 4);
    await harness.run(100);
    expect(harness.status('web').phase).toBe('Failed');
    expect(harness.status('web').containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
  });

  it('puts back a status that somebody else changed', async () => {
    await harness.start();
    harness.cluster.add(harness.pod('web'));
    await harness.run(100);
    harness.cluster.edit(resources.pods, 'default/web', (pod) => (pod.status = { phase: 'Pending' }));
    await harness.run(100);
    expect(harness.status('web')).toMatchObject({ phase: 'Running', podIP: '10.0.1.2' });
  });

  describe('after a restart of the agent', () => {
    const restart = async (): Promise<void> => {
      await harness.stop();
      await harness.start();
    };

    it('picks up what runs, with its address', async () => {
      await harness.start();
      harness.cluster.add(harness.pod('web'));
      await harness.run(100);
      await harness.stop();
      harness.cluster.takeWrites();
      await harness.start();
      harness.cluster.add(harness.pod('other'));
      await harness.run(100);
      expect(harness.status('web')).toMatchObject({ phase: 'Running', podIP: '10.0.1.2' });
      expect(harness.status('other').podIP).toBe('10.0.1.3');
      expect(harness.cluster.takeWrites().filter((write) => write.endsWith('default/web'))).toEqual([]);
      expect(harness.runtime.takeCalls()).toEqual(['sandbox other', 'create main', 'start main']);
    });

    it('notices what ended meanwhile', async () => {
      await harness.start();
      harness.cluster.add(harness.pod('web'));
      await harness.run(100);
      await harness.stop();
      harness.runtime.exit('main', 3);
      await harness.start();
      await harness.run(100);
      expect(harness.status('web').containerStatuses?.[0]).toMatchObject({
        restartCount: 1,
        lastState: { terminated: { exitCode: 3 } },
      });
    });

    it('removes pods that the API no longer knows', async () => {
      await harness.start();
      harness.cluster.add(harness.pod('web'));
      await harness.run(100);
      await harness.stop();
      harness.cluster.remove(resources.pods, 'default/web');
      await harness.start();
      await harness.run(3000);
      expect([harness.runtime.containers.size, harness.runtime.sandboxes.size]).toEqual([0, 0]);
    });

    it('leaves no timer behind', async () => {
      await harness.start();
      harness.cluster.add(harness.pod('web'));
      await harness.run(100);
      await restart();
      await harness.stop();
      expect(harness.cluster.clock.pending).toBe(0);
    });
  });

  it('tells why the node is not ready, and goes on when the runtime is back', async () => {
    await harness.start();
    harness.runtime.isAvailable = false;
    harness.cluster.add(harness.pod('web'));
    await harness.run(12_000);
    const ready = () =>
      harness.cluster.get(resources.nodes, 'n1')?.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready()).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
      message: 'container runtime is down: the engine does not answer',
    });
    harness.runtime.isAvailable = true;
    await harness.run(15_000);
    expect(ready()).toMatchObject({
      status: 'True',
      reason: 'KubeletReady',
      message: 'kubelet is posting ready status',
    });
    expect(harness.status('web').phase).toBe('Running');
  });
});
