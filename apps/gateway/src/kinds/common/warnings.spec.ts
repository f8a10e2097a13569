import { type KubernetesObject } from '#machinery';
import { cronJobs } from '../batch/cron-jobs';
import { jobs } from '../batch/jobs';
import { nodes } from '../core/nodes';
import { ingresses } from '../networking/ingresses';
import { pods } from '../pods/pods';
import { runtimeClasses } from '../scheduling/scheduling';
import { persistentVolumeClaims } from '../storage/persistent-volume-claims';
import { persistentVolumes } from '../storage/persistent-volumes';
import { type ResourceStrategy } from '../strategy';
import { deployments } from '../workloads/deployments';
import { statefulSets } from '../workloads/stateful-sets';
import { defaulted } from './strategy.fixture';

const template = { spec: { containers: [] } };
const oldTerm = { matchExpressions: [{ key: 'beta.kubernetes.io/os', operator: 'In', values: ['-1'] }] };
const storageClass = { annotations: { 'volume.beta.kubernetes.io/storage-class': 'slow' } };
const notALabel =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function warningsOf<T extends KubernetesObject>(strategy: ResourceStrategy<T>, body: object): readonly string[] {
  return strategy.warningsOnCreate?.(defaulted(strategy, body) as never) ?? [];
}

describe('warnings', () => {
  it('are about names that do not fit into host names', () => {
    const metadata = { name: 'v1.1' };
    const general =
      'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]';
    expect(warningsOf(deployments, { metadata, spec: { template } })).toEqual([general]);
    expect(warningsOf(jobs, { metadata, spec: { template } })).toEqual([general]);
    expect(warningsOf(cronJobs, { metadata, spec: { jobTemplate: { spec: { template } } } })).toEqual([general]);
    expect(warningsOf(pods, { metadata, spec: { containers: [] } })).toEqual([
      general.replace('Pod names and hostnames', "the Pod's hostname"),
    ]);
  });

  it('are about labels of nodes that have had another name for long', () => {
    const message = 'deprecated since v1.14; use "kubernetes.io/os" instead';
    const affinity = {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [oldTerm] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: oldTerm }],
    };
    const [required, preferred] = Object.keys(affinity).map((name) => `spec.affinity.nodeAffinity.${name}`);
    expect(warningsOf(pods, { metadata: { name: 'p' }, spec: { affinity: { nodeAffinity: affinity } } })).toEqual([
      `${required}.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is ${message}`,
      `${preferred}[0].preference.matchExpressions[0].key: beta.kubernetes.io/os is ${message}`,
      `${preferred}[0].preference.matchExpressions[0].values[0]: -1 is invalid, ${notALabel}`,
    ]);
    const scheduling = { nodeSelector: { 'beta.kubernetes.io/os': 'linux', a: 'b' } };
    expect(warningsOf(runtimeClasses, { handler: 'x', scheduling })).toEqual([`scheduling.nodeSelector: ${message}`]);
  });

  it('are about volumes and claims', () => {
    const spec = {
      persistentVolumeReclaimPolicy: 'Recycle',
      nodeAffinity: { required: { nodeSelectorTerms: [oldTerm] } },
      cephfs: { monitors: ['m'] },
    };
    const annotation =
      'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead';
    expect(warningsOf(persistentVolumes, { metadata: storageClass, spec })).toEqual([
      annotation,
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      'spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead',
      'spec.cephfs: deprecated in v1.28, non-functional in v1.31+',
    ]);
    const resources = { requests: { storage: '1500m' }, limits: { storage: '2500m' } };
    expect(warningsOf(persistentVolumeClaims, { metadata: storageClass, spec: { resources } })).toEqual([
      annotation,
      'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
      'spec.resources.limits[storage]: fractional byte value "2500m" is invalid, must be an integer',
    ]);
    const volumeClaimTemplates = [{ spec: { resources } }];
    expect(warningsOf(statefulSets, { spec: { template, volumeClaimTemplates, revisionHistoryLimit: -1 } })).toEqual([
      'spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
      'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
    ]);
  });

  it('are about what is no longer used', () => {
    expect(warningsOf(nodes, { spec: { configSource: {}, externalID: 'x' } })).toEqual([
      'spec.configSource: the feature is removed',
      'spec.externalID: this field is deprecated, and is unused by Kubernetes',
    ]);
    expect(warningsOf(ingresses, { metadata: { annotations: { 'kubernetes.io/ingress.class': 'x' } } })).toEqual([
      `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
    ]);
  });

  it('are about jobs whose indexes cannot be kept track of', () => {
    const spec = { completionMode: 'Indexed', completions: 100_001, parallelism: 10_001, template };
    const text =
      'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
    const metadata = { name: 'j' };
    expect(warningsOf(jobs, { metadata, spec })).toEqual([`spec: ${text}`]);
    expect(warningsOf(cronJobs, { metadata, spec: { jobTemplate: { spec } } })).toEqual([
      `spec.jobTemplate.spec: ${text}`,
    ]);
    expect(warningsOf(jobs, { metadata, spec: { ...spec, completions: 100_000 } })).toEqual([]);
  });
});
