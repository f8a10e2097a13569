// API Priority and Fairness as bootstrapped by kube-apiserver (KEP-1040).
import {
  type FlowSchema,
  type FlowcontrolSubject,
  type PolicyRulesWithSubjects,
  type PriorityLevelConfiguration,
  type ResourcePolicyRule,
} from '../generated/types';

const apiVersion = 'flowcontrol.apiserver.k8s.io/v1';
const metadata = (name: string) => ({ name, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } });

const user = (name: string): FlowcontrolSubject => ({ kind: 'User', user: { name } });
const group = (name: string): FlowcontrolSubject => ({ kind: 'Group', group: { name } });
const kubeSystem: FlowcontrolSubject = {
  kind: 'ServiceAccount',
  serviceAccount: { namespace: 'kube-system', name: '*' },
};
const anybody = [group('system:unauthenticated'), group('system:authenticated')];

const inNamespaces = (verbs: string[], apiGroups: string[], resources: string[]): ResourcePolicyRule => ({
  verbs,
  apiGroups,
  resources,
  namespaces: ['*'],
});
const everywhere = (verbs: string[], apiGroups: string[], resources: string[]): ResourcePolicyRule => ({
  verbs,
  apiGroups,
  resources,
  clusterScope: true,
  namespaces: ['*'],
});
const everythingBy = (...subjects: FlowcontrolSubject[]): PolicyRulesWithSubjects => ({
  subjects,
  resourceRules: [everywhere(['*'], ['*'], ['*'])],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
});

interface Flow {
  readonly level: string;
  readonly precedence: number;
  readonly distinguisher?: 'ByUser' | 'ByNamespace';
  readonly rules: PolicyRulesWithSubjects;
}

const flows: Readonly<Record<string, Flow>> = {
  'catch-all': { level: 'catch-all', precedence: 10_000, distinguisher: 'ByUser', rules: everythingBy(...anybody) },
  exempt: { level: 'exempt', precedence: 1, rules: everythingBy(group('system:masters')) },
  'global-default': {
    level: 'global-default',
    precedence: 9900,
    distinguisher: 'ByUser',
    rules: everythingBy(...anybody),
  },
  'kube-controller-manager': {
    level: 'workload-high',
    precedence: 800,
    distinguisher: 'ByNamespace',
    rules: everythingBy(user('system:kube-controller-manager')),
  },
  'kube-scheduler': {
    level: 'workload-high',
    precedence: 800,
    distinguisher: 'ByNamespace',
    rules: everythingBy(user('system:kube-scheduler')),
  },
  'kube-system-service-accounts': {
    level: 'workload-high',
    precedence: 900,
    distinguisher: 'ByNamespace',
    rules: everythingBy(kubeSystem),
  },
  probes: {
    level: 'exempt',
    precedence: 2,
    rules: {
      subjects: anybody,
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
    },
  },
  'service-accounts': {
    level: 'workload-low',
    precedence: 9000,
    distinguisher: 'ByUser',
    rules: everythingBy(group('system:serviceaccounts')),
  },
  'system-leader-election': {
    level: 'leader-election',
    precedence: 100,
    distinguisher: 'ByUser',
    rules: {
      subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler'), kubeSystem],
      resourceRules: [inNamespaces(['get', 'create', 'update'], ['coordination.k8s.io'], ['leases'])],
    },
  },
  'system-node-high': {
    level: 'node-high',
    precedence: 400,
    distinguisher: 'ByUser',
    rules: {
      subjects: [group('system:nodes')],
      resourceRules: [
        everywhere(['*'], [''], ['nodes', 'nodes/status']),
        inNamespaces(['*'], ['coordination.k8s.io'], ['leases']),
      ],
    },
  },
  'system-nodes': {
    level: 'system',
    precedence: 500,
    distinguisher: 'ByUser',
    rules: everythingBy(group('system:nodes')),
  },
};

export function defaultFlowSchemas(): FlowSchema[] {
  return Object.entries(flows).map(([name, { level, precedence, distinguisher, rules }]) => ({
    apiVersion,
    kind: 'FlowSchema',
    metadata: metadata(name),
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence: precedence,
      ...(distinguisher === undefined ? {} : { distinguisherMethod: { type: distinguisher } }),
      rules: [rules],
    },
  }));
}

/** Levels that queue: shares of the server's concurrency, what part of it may be lent, and how requests are spread. */
const queueing: Readonly<
  Record<string, { shares: number; lendablePercent: number; queues: number; handSize: number }>
> = {
  'global-default': { shares: 20, lendablePercent: 50, queues: 128, handSize: 6 },
  'leader-election': { shares: 10, lendablePercent: 0, queues: 16, handSize: 4 },
  'node-high': { shares: 40, lendablePercent: 25, queues: 64, handSize: 6 },
  system: { shares: 30, lendablePercent: 33, queues: 64, handSize: 6 },
  'workload-high': { shares: 40, lendablePercent: 50, queues: 128, handSize: 6 },
  'workload-low': { shares: 100, lendablePercent: 90, queues: 128, handSize: 6 },
};

export function defaultPriorityLevelConfigurations(): PriorityLevelConfiguration[] {
  const specs: Record<string, NonNullable<PriorityLevelConfiguration['spec']>> = {
    'catch-all': {
      type: 'Limited',
      limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' }, lendablePercent: 0 },
    },
    exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  };
  for (const [name, { shares, lendablePercent, queues, handSize }] of Object.entries(queueing)) {
    specs[name] = {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: shares,
        limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
        lendablePercent,
      },
    };
  }
  return Object.entries(specs).map(([name, spec]) => ({
    apiVersion,
    kind: 'PriorityLevelConfiguration',
    metadata: metadata(name),
    spec,
  }));
}
