import { type Container, type Pod, type PodSpec } from '#api';
import { formatFieldError } from '#machinery';
import { setPodDefaults } from './pod-defaults';
import {
  validateEphemeralContainersUpdate,
  validatePodStatusUpdate,
  validateResize,
} from './pod-subresources-validation';
import { validatePodUpdate } from './pod-update-validation';
import { validatePodCreate } from './pod-validation';
import { podWarnings } from './pod-warnings';

/** A valid pod with something changed. */
function podWith(spec: Partial<PodSpec>, container: Partial<Container> = {}): Pod {
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'app:1', ...container }], ...spec },
  };
  setPodDefaults(pod);
  return pod;
}

function problems(pod: Pod): string[] {
  return validatePodCreate(pod).map(formatFieldError);
}

const volume = { name: 'v', emptyDir: {} };

describe('validatePodCreate', () => {
  it('accepts a plain pod', () => {
    expect(problems(podWith({}))).toEqual([]);
  });

  it.each<[string, Partial<PodSpec>, Partial<Container>, string[]]>([
    ['no containers', { containers: [] }, {}, ['spec.containers: Required value']],
    [
      'a name without DNS',
      {},
      { name: 'Bad' },
      ['spec.containers[0].name: Invalid value: "Bad": a lowercase RFC 1123 label'],
    ],
    [
      'a port out of range',
      {},
      { ports: [{ containerPort: 70_000 }] },
      ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      'a way out of a volume',
      { volumes: [volume] },
      { volumeMounts: [{ name: 'v', mountPath: '/d', subPath: '../../etc' }] },
      ['spec.containers[0].volumeMounts.subPath: Invalid value: "../../etc": must not contain \'..\''],
    ],
    [
      'a way up in a host path',
      { volumes: [{ name: 'v', hostPath: { path: '/data/../etc' } }] },
      {},
      ['spec.volumes[0].hostPath.path: Invalid value: "/data/../etc": must not contain \'..\''],
    ],
    [
      'a key that leads out of its volume',
      { volumes: [{ name: 'v', configMap: { name: 'c', items: [{ key: 'k', path: 'a/../../b' }] } }] },
      {},
      ['spec.volumes[0].configMap.items[0].path: Invalid value: "a/../../b": must not contain \'..\''],
    ],
    [
      'a mount of nothing',
      {},
      { volumeMounts: [{ name: 'v', mountPath: '/d' }] },
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      'two kinds in one volume, which is then none',
      { volumes: [{ ...volume, hostPath: { path: '/x' } }] },
      { volumeMounts: [{ name: 'v', mountPath: '/d' }] },
      [
        'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
        'spec.containers[0].volumeMounts[0].name: Not found: "v"',
      ],
    ],
    [
      'no handler in a probe',
      {},
      { livenessProbe: {} },
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'a lifecycle of an init container that ends',
      { initContainers: [{ name: 'i', image: 'x', lifecycle: { preStop: { exec: { command: ['x'] } } } }] },
      {},
      ['spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always'],
    ],
    [
      'a host port that is another on the host network',
      { hostNetwork: true },
      { ports: [{ containerPort: 1, hostPort: 2 }] },
      ['spec.containers[0].ports[0].hostPort: Invalid value: 2: must match `containerPort` when `hostNetwork` is true'],
    ],
    [
      'a toleration of nothing in particular',
      { tolerations: [{ operator: 'Equal' }] },
      {},
      ['spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty'],
    ],
    [
      'no nameserver',
      { dnsPolicy: 'None' },
      {},
      ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    ],
    [
      'debugging before there is anything to debug',
      { ephemeralContainers: [{ name: 'd', image: 'x' }] },
      {},
      ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
    ],
  ])('refuses %s', (_, spec, container, expected) => {
    const found = problems(podWith(spec, container));
    expect(found).toHaveLength(expected.length);
    expected.forEach((text, index) => expect(found[index]).toContain(text));
  });

  it('lets a sidecar have probes', () => {
    const probe = { tcpSocket: { port: 80 } };
    const sidecar = { name: 's', image: 'x', restartPolicy: 'Always', startupProbe: probe };
    expect(problems(podWith({ initContainers: [sidecar] }))).toEqual([]);
  });
});

describe('validatePodUpdate', () => {
  const old = podWith({ tolerations: [{ key: 'a', operator: 'Exists' }] });
  const update = (change: (spec: PodSpec) => void, before = old): string[] => {
    const pod = structuredClone(before);
    change(pod.spec as PodSpec);
    return validatePodUpdate(pod, before).map(formatFieldError);
  };

  it.each<[string, (spec: PodSpec) => void]>([
    ['an image', (spec) => ((spec.containers[0] as Container).image = 'app:2')],
    ['a deadline', (spec) => (spec.activeDeadlineSeconds = 5)],
    ['one more toleration', (spec) => spec.tolerations?.push({ key: 'b', operator: 'Exists' })],
  ])('accepts %s', (_, change) => {
    expect(update(change)).toEqual([]);
  });

  it('shows what else differs, as the server holds it', () => {
    const [text = ''] = update((spec) => (spec.nodeName = 'n'));
    expect(text).toContain('spec: Forbidden: pod updates may not change fields other than');
    expect(text).toContain('- "NodeName": "",\n+ "NodeName": "n",\n');
  });

  it.each<[string, (spec: PodSpec) => void, string]>([
    ['another container', (spec) => spec.containers.push({ name: 'b', image: 'x' }), 'spec.containers: Forbidden'],
    ['a toleration less', (spec) => (spec.tolerations = []), 'spec.tolerations: Forbidden: existing toleration'],
    ['a new gate', (spec) => (spec.schedulingGates = [{ name: 'x/y' }]), 'spec.schedulingGates[0].name: Forbidden'],
  ])('refuses %s', (_, change, text) => {
    expect(update(change).join()).toContain(text);
  });

  it('lets a gated pod be narrowed down, not widened', () => {
    const gated = podWith({ schedulingGates: [{ name: 'x/y' }], nodeSelector: { a: 'b' } });
    expect(update((spec) => (spec.nodeSelector = { a: 'b', c: 'd' }), gated)).toEqual([]);
    expect(update((spec) => (spec.nodeSelector = { c: 'd' }), gated).join()).toContain(
      'only additions to spec.nodeSelector',
    );
  });
});

describe('subresources of pods', () => {
  const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } };
  const old = podWith({ ephemeralContainers: [{ name: 'd', image: 'x' }] }, { resources });
  const changed = (change: (pod: Pod) => void): Pod => {
    const pod = structuredClone(old);
    change(pod);
    return pod;
  };

  it('keep ephemeral containers', () => {
    const removed = changed((pod) => delete pod.spec?.ephemeralContainers);
    expect(validateEphemeralContainersUpdate(removed, old).map(formatFieldError)).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "d" may not be removed\n',
    ]);
  });

  it.each<[string, NonNullable<Container['resources']>, string[]]>([
    ['more CPU', { ...resources, limits: { cpu: '3', memory: '2Gi' } }, []],
    [
      'no limit',
      { requests: resources.requests, limits: { memory: '2Gi' } },
      ['spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed'],
    ],
    [
      'another class',
      { requests: resources.limits, limits: resources.limits },
      ['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'],
    ],
    [
      'a disk',
      { ...resources, requests: { ...resources.requests, 'ephemeral-storage': '1Gi' } },
      ['spec: Forbidden: only cpu and memory resources are mutable'],
    ],
  ])('resize to %s', (_, wanted, expected) => {
    const pod = changed(({ spec }) => (((spec as PodSpec).containers[0] as Container).resources = wanted));
    expect(validateResize(pod, old).map(formatFieldError)).toEqual(expected);
  });

  it('do not let ended containers run again', () => {
    const ended = podWith({ restartPolicy: 'Never' });
    const state = (name: 'running' | 'terminated'): Pod['status'] => ({
      containerStatuses: [
        { name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state: { [name]: { exitCode: 0 } } },
      ],
    });
    const before = { ...ended, status: state('terminated') } as Pod;
    const after = { ...ended, status: state('running') } as Pod;
    expect(validatePodStatusUpdate(after, before).map(formatFieldError)).toEqual([
      'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
    ]);
    expect(validatePodStatusUpdate(before, after)).toEqual([]);
  });
});

it.each<[Partial<PodSpec>, Partial<Container>, string[]]>([
  [{}, {}, []],
  [
    {},
    {
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    },
    ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
  ],
  [
    {},
    {
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '$(A):2' },
      ],
    },
    [],
  ],
  [
    { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } },
    {},
    ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
  ],
  [
    {},
    { resources: { requests: { memory: '100m' } } },
    ['spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer'],
  ],
])('warnings about %j %j', (spec, container, expected) => {
  expect(podWarnings(podWith(spec, container))).toEqual(expected);
});
