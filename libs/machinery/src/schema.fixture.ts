import { type FieldSchema, type ListSchema, type Schema, type StructSchema } from './schema';

/** A few types in the shape of the real ones, for tests. */

const string: Schema = { type: 'string' };
const int32: Schema = { type: 'integer', format: 'int32' };
const boolean: Schema = { type: 'boolean' };
const stringMap: Schema = { type: 'map', values: string };

function list(items: Schema, more: Partial<ListSchema> = {}): ListSchema {
  return { type: 'list', items, ...more };
}

function struct(
  name: string,
  fields: Record<string, Schema | Omit<FieldSchema, 'description'>>,
  atomic = false,
): StructSchema {
  const described = Object.entries(fields).map(([key, field]) => [
    key,
    { description: '', ...('schema' in field ? field : { schema: field }) },
  ]);
  return {
    type: 'struct',
    name: `io.k8s.api.core.v1.${name}`,
    description: '',
    fields: Object.fromEntries(described) as StructSchema['fields'],
    ...(atomic ? { atomic } : {}),
  };
}

const ownerReference = struct(
  'OwnerReference',
  { name: { schema: string, required: true }, uid: { schema: string, required: true } },
  true,
);

export const objectMeta = struct('ObjectMeta', {
  name: string,
  namespace: string,
  generateName: string,
  uid: string,
  resourceVersion: string,
  generation: { type: 'integer', format: 'int64' },
  creationTimestamp: { type: 'string', format: 'date-time' },
  deletionTimestamp: { type: 'string', format: 'date-time' },
  labels: stringMap,
  annotations: stringMap,
  finalizers: { schema: list(string, { listType: 'set' }), patchStrategy: ['merge'] },
  ownerReferences: {
    schema: list(ownerReference, { listType: 'map', mapKeys: ['uid'] }),
    patchStrategy: ['merge'],
    patchMergeKey: 'uid',
  },
  managedFields: list({ type: 'any' }),
});

export const containerPort = struct('ContainerPort', {
  name: string,
  containerPort: { schema: int32, required: true },
  protocol: { schema: string, default: 'TCP' },
  hostPort: { schema: int32, omitZero: true },
});

const envVar = struct('EnvVar', { name: { schema: string, required: true }, value: string });

export const container = struct('Container', {
  name: { schema: string, required: true },
  image: string,
  command: list(string),
  env: {
    schema: list(envVar, { listType: 'map', mapKeys: ['name'] }),
    patchStrategy: ['merge'],
    patchMergeKey: 'name',
  },
  ports: {
    schema: list(containerPort, { listType: 'map', mapKeys: ['containerPort', 'protocol'] }),
    patchStrategy: ['merge'],
    patchMergeKey: 'containerPort',
  },
  resources: {
    schema: struct('ResourceRequirements', { limits: { type: 'map', values: { type: 'quantity' } } }),
    embedded: true,
  },
  stdin: boolean,
});

export const podSpec = struct('PodSpec', {
  containers: {
    schema: list(container, { listType: 'map', mapKeys: ['name'] }),
    required: true,
    patchStrategy: ['merge'],
    patchMergeKey: 'name',
  },
  nodeSelector: { type: 'map', values: string, atomic: true },
  hostNetwork: boolean,
  volumes: {
    schema: list(
      struct('Volume', {
        name: { schema: string, required: true },
        emptyDir: struct('EmptyDirVolumeSource', { medium: string }),
        hostPath: struct('HostPathVolumeSource', { path: string }),
      }),
      { listType: 'map', mapKeys: ['name'] },
    ),
    patchStrategy: ['merge', 'retainKeys'],
    patchMergeKey: 'name',
  },
});

export const pod = struct('Pod', {
  apiVersion: string,
  kind: string,
  metadata: { schema: objectMeta, embedded: true },
  spec: { schema: podSpec, embedded: true },
  status: { schema: struct('PodStatus', { phase: string, conditions: list(string) }), embedded: true },
});

export const configMap = struct('ConfigMap', {
  apiVersion: string,
  kind: string,
  metadata: { schema: objectMeta, embedded: true },
  data: stringMap,
  binaryData: { type: 'map', values: { type: 'string', format: 'byte' } },
  immutable: boolean,
});

export const deployment = struct('Deployment', {
  apiVersion: string,
  kind: string,
  metadata: { schema: objectMeta, embedded: true },
  spec: {
    schema: struct('DeploymentSpec', {
      replicas: int32,
      selector: struct('LabelSelector', { matchLabels: stringMap }, true),
      strategy: {
        schema: struct('DeploymentStrategy', {
          type: string,
          rollingUpdate: struct('RollingUpdateDeployment', {
            maxSurge: { type: 'int-or-string' },
            maxUnavailable: { type: 'int-or-string' },
          }),
        }),
        embedded: true,
        patchStrategy: ['retainKeys'],
      },
      template: {
        schema: struct('PodTemplateSpec', {
          metadata: { schema: objectMeta, embedded: true },
          spec: { schema: podSpec, embedded: true },
        }),
        embedded: true,
      },
    }),
    embedded: true,
  },
});
