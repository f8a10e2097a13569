import { type Container, type Pod, type Volume } from '#api';
import { defaulted } from '../common/strategy.fixture';
import { pullPolicy } from './container-defaults';
import { pods } from './pods';

const main = { name: 'main', image: 'app:1' };

function containerOf(fields: object, spec: object = {}): Container {
  const pod = defaulted(pods, { spec: { ...spec, containers: [{ ...main, ...fields }] } });
  return pod.spec!.containers[0]!;
}

function volumeOf(source: object): Volume {
  const pod = defaulted(pods, { spec: { containers: [main], volumes: [{ name: 'v', ...source }] } });
  return pod.spec!.volumes![0]!;
}

function podWith(spec: object): Pod {
  return defaulted(pods, { spec: { containers: [main], ...spec } });
}

describe('defaults of pods', () => {
  it('fill in what every pod has', () => {
    expect(podWith({}).spec).toEqual({
      containers: [
        {
          name: 'main',
          image: 'app:1',
          imagePullPolicy: 'IfNotPresent',
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          resources: {},
        },
      ],
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
  });

  it('leave alone what is given', () => {
    const given = {
      dnsPolicy: 'None',
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      enableServiceLinks: false,
    };
    expect(podWith(given).spec).toMatchObject(given);
  });

  it.each([
    ['serviceAccountName', { serviceAccountName: 'sa' }],
    ['serviceAccount, its old name', { serviceAccount: 'sa' }],
  ])('show the service account under both names: %s', (_name, spec) => {
    expect(podWith(spec).spec).toMatchObject({ serviceAccountName: 'sa', serviceAccount: 'sa' });
  });

  it.each<[string, object, object]>([
    ['a port', { ports: [{ containerPort: 80 }] }, { ports: [{ containerPort: 80, protocol: 'TCP' }] }],
    [
      'a probe',
      { livenessProbe: { httpGet: { port: 80 } } },
      {
        livenessProbe: {
          httpGet: { path: '/', port: 80, scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
      },
    ],
    ['a grpc probe', { startupProbe: { grpc: { port: 1 } } }, { startupProbe: { grpc: { port: 1, service: '' } } }],
    [
      'a hook',
      { lifecycle: { preStop: { httpGet: { port: 'web' } } } },
      { lifecycle: { preStop: { httpGet: { path: '/', port: 'web', scheme: 'HTTP' } } } },
    ],
    [
      'variables from elsewhere',
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
      { env: [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }] },
    ],
    [
      'amounts below a thousandth',
      { resources: { requests: { cpu: '0.5m' } } },
      { resources: { requests: { cpu: '1m' } } },
    ],
    [
      'limits without requests',
      { resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } },
      { resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } } },
    ],
  ])('complete %s', (_name, fields, expected) => {
    expect(containerOf(fields)).toMatchObject(expected);
  });

  it('give ports of the host to containers on its network', () => {
    const container = containerOf({ ports: [{ containerPort: 80 }] }, { hostNetwork: true });
    expect(container.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]);
  });

  it.each<[string, object, object]>([
    ['nothing', {}, { emptyDir: {} }],
    ['a secret', { secret: { secretName: 's' } }, { secret: { secretName: 's', defaultMode: 0o644 } }],
    ['a hostPath', { hostPath: { path: '/x' } }, { hostPath: { path: '/x', type: '' } }],
    [
      'a token',
      { projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
      { projected: { defaultMode: 0o644, sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }] } },
    ],
    ['an image', { image: { reference: 'a' } }, { image: { reference: 'a', pullPolicy: 'Always' } }],
    [
      'an ephemeral claim',
      { ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'] } } } },
      { ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' } } } },
    ],
  ])('complete a volume of %s', (_name, source, expected) => {
    expect(volumeOf(source)).toMatchObject(expected);
  });

  it.each<[string, object, object]>([
    ['what is limited', {}, { cpu: '2', memory: '1Gi' }],
    ['what its containers request', { resources: { requests: { cpu: '300m' } } }, { cpu: '300m', memory: '1Gi' }],
  ])('request for the pod as a whole %s', (_name, fields, requests) => {
    const pod = podWith({
      resources: { limits: { cpu: '2', memory: '1Gi' } },
      containers: [{ ...main, ...fields }],
    });
    expect(pod.spec?.resources?.requests).toEqual(requests);
  });

  it('count sidecars and the largest init container into the request of the pod', () => {
    const cpu = (amount: string): object => ({ resources: { requests: { cpu: amount } } });
    const pod = podWith({
      resources: { limits: { cpu: '4' } },
      initContainers: [
        { name: 'side', image: 's:1', restartPolicy: 'Always', ...cpu('100m') },
        { name: 'big', image: 'b:1', ...cpu('1') },
      ],
      containers: [{ ...main, ...cpu('200m') }],
    });
    expect(pod.spec?.resources?.requests).toEqual({ cpu: '1100m' });
  });
});

describe('pullPolicy', () => {
  it.each([
    ['app', 'Always'],
    ['app:latest', 'Always'],
    ['app:1', 'IfNotPresent'],
    ['registry:5000/app', 'Always'],
    ['registry:5000/app:1', 'IfNotPresent'],
    ['app@sha256:abc', 'IfNotPresent'],
  ])('%s: %s', (image, policy) => {
    expect(pullPolicy(image)).toBe(policy);
  });
});
