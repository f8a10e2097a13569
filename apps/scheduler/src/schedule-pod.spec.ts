import { type Pod, type PodSpec } from '#api';
import { labelsMatcher } from '#machinery';
import { node, pod } from '#testing';
import { ClusterCache } from './cluster-cache';
import { type Snapshot } from './framework';
import { podInfo, type PodInfo } from './pod-info';
import { type Decision, feasibleNodesToFind, schedulePod } from './schedule-pod';

type PodBuilder = ReturnType<typeof pod>;
type NodeBuilder = ReturnType<typeof node>;

const withSpec = (builder: PodBuilder, spec: Partial<PodSpec>): PodBuilder =>
  builder.with((object) => (object.spec = { ...object.spec!, ...spec }));
const labelled = (builder: PodBuilder, labels: Record<string, string>): PodBuilder =>
  builder.with((object) => (object.metadata = { ...object.metadata, labels }));
const zoned = (name: string, zone: string): NodeBuilder =>
  node(name).with((object) => (object.metadata!.labels!['topology.kubernetes.io/zone'] = zone));

let uids = 0;
const built = (builder: PodBuilder): Pod => {
  const object = builder.build();
  return { ...object, metadata: { ...object.metadata, uid: `uid-${uids++}` } };
};

/** Given nodes and what runs on them, where does the pod go? */
function decide(
  candidate: PodBuilder,
  nodes: readonly NodeBuilder[],
  running: readonly PodBuilder[] = [],
  selectorsOf: Snapshot['selectorsOf'] = () => [],
): Decision {
  const cache = new ClusterCache();
  for (const builder of nodes) cache.setNode(builder.build());
  for (const builder of running) cache.setPod(built(builder));
  const snapshot = cache.snapshot({
    namespaceLabels: (name) => ({ 'kubernetes.io/metadata.name': name }),
    selectorsOf,
    volumes: { claim: () => undefined, bindingMode: () => undefined },
  });
  return schedulePod(podInfo(built(candidate)), snapshot, () => 0.99, { start: 0 });
}

const spread = (topologyKey: string, whenUnsatisfiable = 'DoNotSchedule') => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey, whenUnsatisfiable, labelSelector: { matchLabels: { app: 'web' } } },
  ],
});
const webTerm = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } };
const web = (name: string): PodBuilder => labelled(pod(name), { app: 'web' });
const port = { containers: [{ name: 'main', image: 'image', ports: [{ containerPort: 80, hostPort: 80 }] }] };

describe('where a pod cannot go, and what it is told', () => {
  /** With the nodes of which upstream says whether preemption could help. */
  const cases: [string, Decision, string, { helpless?: number; victimless?: number }][] = [
    [
      'requests exceed what is left',
      decide(pod('a').requests({ cpu: '3', memory: '9Gi' }), [node('n1')], [pod('b').on('n1').requests({ cpu: '2' })]),
      '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.',
      { helpless: 1 },
    ],
    [
      'an extended resource is missing',
      decide(pod('a').requests({ 'example.com/gpu': '1' }), [node('n1')]),
      '0/1 nodes are available: 1 Insufficient example.com/gpu.',
      { helpless: 1 },
    ],
    [
      'the node is full of pods',
      decide(pod('a'), [node('n1').capacity({ cpu: '4', memory: '8Gi', pods: '1' })], [pod('b').on('n1')]),
      '0/1 nodes are available: 1 Too many pods.',
      { victimless: 1 },
    ],
    [
      'the node is cordoned',
      decide(pod('a'), [node('n1').unschedulable()]),
      '0/1 nodes are available: 1 node(s) were unschedulable.',
      { helpless: 1 },
    ],
    [
      'different nodes refuse for different reasons',
      decide(pod('a').requests({ cpu: '5' }), [node('n1').taint('k', 'NoSchedule', 'v'), node('n2'), node('n3')]),
      '0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu.',
      { helpless: 3 },
    ],
    [
      'no node has the label',
      decide(withSpec(pod('a'), { nodeSelector: { disk: 'ssd' } }), [node('n1')]),
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
      { helpless: 1 },
    ],
    [
      'the host port is taken',
      decide(withSpec(pod('a'), port), [node('n1')], [withSpec(pod('b').on('n1'), port)]),
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
      { victimless: 1 },
    ],
    [
      'it must be near a pod that is nowhere',
      decide(
        withSpec(pod('a'), {
          affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [webTerm] } },
        }),
        [node('n1')],
      ),
      "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
      { helpless: 1 },
    ],
    [
      'it must keep away from a pod that is there',
      decide(
        withSpec(pod('a'), {
          affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [webTerm] } },
        }),
        [node('n1')],
        [web('b').on('n1')],
      ),
      "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
      { victimless: 1 },
    ],
    [
      'a pod that is there wants to be alone',
      decide(
        web('a'),
        [node('n1')],
        [
          withSpec(pod('b').on('n1'), {
            affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [webTerm] } },
          }),
        ],
      ),
      "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
      { victimless: 1 },
    ],
    [
      'the nodes lack the topology',
      decide(withSpec(web('a'), spread('rack')), [node('n1')]),
      "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).",
      { helpless: 1 },
    ],
    [
      'the only other zone is full',
      decide(
        withSpec(web('a'), spread('topology.kubernetes.io/zone')),
        [zoned('n1', 'x'), zoned('n2', 'y').unschedulable()],
        [web('b').on('n1')],
      ),
      "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) were unschedulable.",
      { victimless: 1, helpless: 1 },
    ],
  ];

  it.each(cases)('when %s', (_, decision, text, outcome) => {
    const { helpless = 0, victimless = 0 } = outcome;
    const preemption = [
      ...(victimless === 0 ? [] : [`${victimless} No preemption victims found for incoming pod`]),
      ...(helpless === 0 ? [] : [`${helpless} Preemption is not helpful for scheduling`]),
    ].sort();
    expect(decision).toMatchObject({
      message: `${text} no new claims to deallocate, preemption: 0/${helpless + victimless} nodes are available: ${preemption.join(', ')}.`,
    });
  });

  it('when there are no nodes', () => {
    expect(decide(pod('a'), [])).toMatchObject({ message: 'no nodes available to schedule pods' });
  });

  it('says that a pod does not want preemption', () => {
    const decision = decide(withSpec(pod('a').requests({ cpu: '9' }), { preemptionPolicy: 'Never' }), [node('n1')]);
    expect(decision).toMatchObject({
      message:
        '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
    });
  });

  it('tells a node that is too small from one that is busy', () => {
    const busy = decide(pod('a').requests({ cpu: '3' }), [node('n1')], [pod('b').on('n1').requests({ cpu: '2' })]);
    expect(busy).toMatchObject({ message: expect.stringContaining('1 No preemption victims found') as string });
  });
});

describe('where a pod goes', () => {
  const two = [node('n1'), node('n2')];
  const cases: [string, Decision, string][] = [
    [
      'the emptier node',
      decide(pod('a').requests({ cpu: '1' }), two, [pod('b').on('n1').requests({ cpu: '2' })]),
      'n2',
    ],
    [
      'a tainted node that it tolerates',
      decide(withSpec(pod('a'), { tolerations: [{ key: 'k', operator: 'Exists' }] }), [
        node('n1').taint('k', 'NoSchedule'),
      ]),
      'n1',
    ],
    [
      'away from a taint that asks nicely',
      decide(pod('a'), [node('n1').taint('k', 'PreferNoSchedule'), node('n2')]),
      'n2',
    ],
    ['the node that it names', decide(pod('a').on('n2'), two), 'n2'],
    [
      'the node that it prefers',
      decide(
        withSpec(pod('a'), {
          affinity: {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 10,
                  preference: { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n2'] }] },
                },
              ],
            },
          },
        }),
        two,
        [pod('b').on('n2')],
      ),
      'n2',
    ],
    [
      'near the pods that it likes',
      decide(
        withSpec(pod('a'), {
          affinity: {
            podAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: webTerm }],
            },
          },
        }),
        two,
        [web('b').on('n2')],
      ),
      'n2',
    ],
    [
      'anywhere, as the first of pods that want to be together',
      decide(
        withSpec(web('a'), {
          affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [webTerm] } },
        }),
        [node('n1')],
      ),
      'n1',
    ],
    [
      'the zone with fewer of its kind',
      decide(
        withSpec(web('a'), spread('topology.kubernetes.io/zone')),
        [zoned('n1', 'x'), zoned('n2', 'y')],
        [web('b').on('n1')],
      ),
      'n2',
    ],
    [
      'the node with fewer of its kind, if it belongs to a service',
      decide(web('a'), two, [web('b').on('n1'), pod('c').on('n2')], () => [labelsMatcher({ app: 'web' })]),
      'n2',
    ],
    [
      'the node that has the image',
      decide(pod('a'), [
        node('n1'),
        node('n2').with((object) => {
          object.status = { ...object.status, images: [{ names: ['image:latest'], sizeBytes: 2e9 }] };
        }),
      ]),
      'n2',
    ],
  ];

  it.each(cases)('%s', (_, decision, name) => {
    expect(decision).toEqual({ node: name });
  });
});

describe('how much a pod needs', () => {
  const needs = (spec: Partial<PodSpec>): PodInfo['requests']['actual'] =>
    podInfo(built(withSpec(pod('a'), spec))).requests.actual;
  const container = (name: string, cpu: string, restartPolicy?: string) => ({
    name,
    image: 'image',
    restartPolicy,
    resources: { requests: { cpu } },
  });

  it('is the largest step of initialisation when that exceeds the containers, sidecars running beside', () => {
    const initContainers = [container('s', '300m', 'Always'), container('i', '2')];
    expect(needs({ initContainers, containers: [container('main', '500m')] }).cpu).toBe(2300);
  });

  it('is the sum of containers and sidecars, plus overhead, otherwise', () => {
    const initContainers = [container('s', '300m', 'Always'), container('i', '100m')];
    const overhead = { cpu: '50m' };
    expect(needs({ initContainers, overhead, containers: [container('main', '500m')] }).cpu).toBe(850);
  });

  it('is what the pod itself says, if it does', () => {
    expect(needs({ resources: { requests: { cpu: '4' } }, containers: [container('main', '500m')] }).cpu).toBe(4000);
  });
});

it('looks at fewer nodes of a large cluster, but never at fewer than 100', () => {
  expect([10, 100, 500, 1000, 5000].map(feasibleNodesToFind)).toEqual([10, 100, 230, 420, 500]);
});
