import { type Pod } from '#api';
import { created, updated } from '../common/strategy.fixture';
import { pods } from './pods';
import { qosClassOf } from './qos';

const body = { metadata: { name: 'a' }, spec: { containers: [{ name: 'main', image: 'app:1' }] } };

describe('new pods', () => {
  it('are pending, whatever the client says', () => {
    const pod = created(pods, { ...body, status: { phase: 'Running', podIP: '10.0.0.1' } });
    expect(pod.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
  });

  it('say that gates hold them', () => {
    const pod = created(pods, { ...body, spec: { ...body.spec, schedulingGates: [{ name: 'g' }] } });
    expect(pod.status?.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' },
    ]);
  });

  it('lose fields of features that are off', () => {
    const container = { ...body.spec.containers[0], lifecycle: { stopSignal: 'SIGUSR1' } };
    expect(created(pods, { ...body, spec: { containers: [container] } }).spec?.containers[0]).not.toHaveProperty(
      'lifecycle',
    );
  });
});

describe('subresources of pods', () => {
  const old: Pod = {
    ...created(pods, body),
    metadata: { name: 'a', resourceVersion: '1', labels: { a: 'b' }, deletionTimestamp: '2026-01-01T00:00:00Z' },
  };

  it('status does not bring pods back to life, nor change their class', () => {
    const pod = updated(
      pods,
      old,
      (object) => {
        delete object.metadata?.deletionTimestamp;
        object.metadata!.ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }];
        object.status = { phase: 'Running', qosClass: 'Guaranteed' };
      },
      'status',
    );
    expect(pod.metadata).toEqual(old.metadata);
    expect(pod.status).toEqual({ phase: 'Running', qosClass: 'BestEffort' });
  });

  it('ephemeralcontainers changes nothing else', () => {
    const pod = updated(
      pods,
      old,
      (object) => {
        object.spec!.ephemeralContainers = [{ name: 'debug', image: 'sh' }];
        object.spec!.activeDeadlineSeconds = 5;
        object.metadata = { name: 'a', resourceVersion: '2', labels: { changed: 'yes' } };
      },
      'ephemeralcontainers',
    );
    expect(pod.spec).toEqual({ ...old.spec, ephemeralContainers: [{ name: 'debug', image: 'sh' }] });
    expect(pod.metadata).toMatchObject({ labels: { a: 'b' }, resourceVersion: '2' });
  });

  it('resize changes resources and nothing else', () => {
    const resources = { requests: { cpu: '2' } };
    const pod = updated(
      pods,
      old,
      (object) => {
        Object.assign(object.spec!.containers[0]!, { image: 'other', resources });
        object.spec!.nodeName = 'n';
      },
      'resize',
    );
    expect(pod.spec).toEqual({ ...old.spec, containers: [{ ...old.spec!.containers[0], resources }] });
  });
});

describe('grace of a deletion', () => {
  it.each<[string, Pod, number | undefined, number]>([
    ['of a pod without a node', { spec: { containers: [] } }, 60, 0],
    ['as the pod says', { spec: { containers: [], nodeName: 'n', terminationGracePeriodSeconds: 7 } }, undefined, 7],
    ['as the client says', { spec: { containers: [], nodeName: 'n', terminationGracePeriodSeconds: 7 } }, 2, 2],
    ['below zero', { spec: { containers: [], nodeName: 'n', terminationGracePeriodSeconds: -1 } }, undefined, 1],
    ['of a pod that is over', { spec: { containers: [], nodeName: 'n' }, status: { phase: 'Failed' } }, 9, 0],
  ])('%s', (_name, pod, requested, seconds) => {
    expect(pods.gracefulDeletion?.gracePeriodSeconds(pod, requested)).toBe(seconds);
  });
});

describe('qosClassOf', () => {
  const both = { cpu: '1', memory: '1Gi' };
  it.each<[string, object[], string]>([
    ['nothing', [{}], 'BestEffort'],
    ['other resources', [{ limits: { 'example.com/gpu': '1' } }], 'BestEffort'],
    ['zeros', [{ requests: { cpu: '0' } }], 'BestEffort'],
    ['a request', [{ requests: { cpu: '1' } }], 'Burstable'],
    ['limits alone', [{ limits: both }], 'Guaranteed'],
    ['limits and the same requests', [{ limits: both, requests: { cpu: '1000m', memory: '1Gi' } }], 'Guaranteed'],
    ['limits and smaller requests', [{ limits: both, requests: { cpu: '500m', memory: '1Gi' } }], 'Burstable'],
    ['limits in one container only', [{ limits: both }, {}], 'Burstable'],
  ])('%s', (_name, containers, qosClass) => {
    const spec = { containers: containers.map((resources, index) => ({ name: `c${index}`, resources })) };
    expect(qosClassOf(spec)).toBe(qosClass);
  });
});
