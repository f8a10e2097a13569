import fc from 'fast-check';
import { decodeValue } from '../decode';
import { type JsonObject } from '../json-tree';
import { type DeepReadonly, type KubernetesObject, type ManagedFieldsEntry } from '../objects';
import { configMap, deployment, pod } from '../schema.fixture';
import { type StructSchema } from '../schema';
import { applyConfiguration } from './applier';
import { fieldSetOf } from './field-set';
import { updateManagedFields, type WriteContext } from './updater';

type Stored = DeepReadonly<KubernetesObject>;

let seconds = 0;
const now = (): string => `2024-01-01T00:00:${String(seconds++ % 60).padStart(2, '0')}Z`;
beforeEach(() => (seconds = 0));

function context(schema: StructSchema, more: Partial<WriteContext> = {}): WriteContext {
  return { schema, apiVersion: 'v1', subresource: '', now: now(), resetFields: fieldSetOf('status'), ...more };
}

function apply(
  live: Stored | undefined,
  config: JsonObject,
  manager: string,
  schema = configMap,
  force = false,
): Stored {
  const normalize = (merged: JsonObject) => decodeValue(merged, schema).value as KubernetesObject;
  const whole = { apiVersion: 'v1', kind: schema.name.split('.').at(-1) ?? '', ...config };
  return applyConfiguration(live, whole, { ...context(schema), manager, force, normalize });
}

function update(live: Stored | undefined, object: JsonObject, manager: string, schema = configMap): Stored {
  const decoded = decodeValue(object, schema).value as KubernetesObject;
  return updateManagedFields(live, decoded, manager, context(schema));
}

function owners(object: Stored): Record<string, unknown> {
  return Object.fromEntries<unknown>(
    (object.metadata?.managedFields ?? []).map((entry) => [entry.manager ?? '', entry.fieldsV1]),
  );
}

describe('updates', () => {
  it('own what they create: maps and elements themselves, embedded objects not', () => {
    const created = update(
      undefined,
      {
        metadata: { name: 'p', labels: { app: 'web' } },
        spec: {
          containers: [{ name: 'main', image: 'x', ports: [{ containerPort: 80 }] }],
          nodeSelector: { a: 'b' },
          volumes: [{ name: 'v', emptyDir: {} }],
        },
        status: { phase: 'Pending' },
      },
      'kubectl',
      pod,
    );
    expect(owners(created)).toEqual({
      kubectl: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': {
          'f:containers': {
            'k:{"name":"main"}': {
              '.': {},
              'f:name': {},
              'f:image': {},
              'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              'f:resources': {},
            },
          },
          'f:nodeSelector': {},
          'f:volumes': { '.': {}, 'k:{"name":"v"}': { '.': {}, 'f:name': {}, 'f:emptyDir': {} } },
        },
      },
    });
  });

  it('take what they change from others and keep times of those who change nothing', () => {
    const first = update(undefined, { metadata: { name: 'c' }, data: { a: '1', b: '1' } }, 'one');
    const second = update(first, { metadata: { name: 'c' }, data: { a: '2', b: '1' } }, 'two');
    expect(owners(second)).toEqual({
      one: { 'f:data': { '.': {}, 'f:b': {} } },
      two: { 'f:data': { 'f:a': {} } },
    });
    expect(second.metadata?.managedFields?.map(({ time }) => time)).toEqual([
      '2024-01-01T00:00:00Z',
      '2024-01-01T00:00:01Z',
    ]);
    const again = update(second, { metadata: { name: 'c' }, data: { a: '2', b: '1' } }, 'three');
    expect(again.metadata?.managedFields).toBe(second.metadata?.managedFields);
    const removed = update(again, { metadata: { name: 'c' } }, 'three');
    expect(removed.metadata?.managedFields).toBeUndefined();
  });

  it('forget old managers one by one beyond ten', () => {
    let object = update(undefined, { metadata: { name: 'c', uid: 'u' }, data: { k: '0' } }, 'creator');
    const data: Record<string, string> = { k: '0' };
    for (let index = 0; index < 14; index++) {
      data[`k${index}`] = '1';
      object = update(object, { metadata: { name: 'c', uid: 'u' }, data: { ...data } }, `m${index}`);
    }
    const names = object.metadata?.managedFields?.map(({ manager }) => manager) ?? [];
    expect(names).toHaveLength(10);
    expect(names).toContain('ancient-changes');
    expect(names).toContain('m13');
    expect(names).not.toContain('creator');
    expect(owners(object)['ancient-changes']).toHaveProperty(['f:data', 'f:k0']);
  });

  it('let clients clear and edit the list, and keep it for those who do not know it', () => {
    const first = update(undefined, { metadata: { name: 'c', uid: 'u' }, data: { a: '1' } }, 'one');
    const cleared = update(first, { metadata: { name: 'c', uid: 'u', managedFields: [{}] }, data: { a: '1' } }, 'two');
    expect(cleared.metadata?.managedFields).toBeUndefined();
    const untracked = update(cleared, { metadata: { name: 'c', uid: 'u' }, data: { a: '2' } }, 'two');
    expect(untracked.metadata?.managedFields).toBeUndefined();
    const entry: ManagedFieldsEntry = {
      manager: 'x',
      operation: 'Update',
      apiVersion: 'v1',
      fieldsV1: { 'f:data': { 'f:a': {} } },
    };
    const edited = update(
      first,
      { metadata: { name: 'c', uid: 'u', managedFields: [entry] } as unknown as JsonObject, data: { a: '1' } },
      'two',
    );
    expect(Object.keys(owners(edited))).toEqual(['x']);
  });

  it('respect reset fields and subresources', () => {
    const live = update(undefined, { metadata: { name: 'p' }, spec: { containers: [] } }, 'one', pod);
    const status = updateManagedFields(live, { ...live, status: { phase: 'Running' } } as Stored, 'kubelet', {
      ...context(pod),
      subresource: 'status',
      resetFields: fieldSetOf('spec'),
    });
    expect(status.metadata?.managedFields?.find(({ manager }) => manager === 'kubelet')).toMatchObject({
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:phase': {} } },
    });
  });
});

describe('server-side apply', () => {
  it('creates, merges and removes what is no longer applied', () => {
    const first = apply(undefined, { metadata: { name: 'c' }, data: { a: '1', b: '1' } }, 'm1');
    expect(first).toMatchObject({ data: { a: '1', b: '1' } });
    expect(owners(first)).toEqual({ m1: { 'f:data': { 'f:a': {}, 'f:b': {} } } });
    const second = apply(first, { metadata: { name: 'c' }, data: { c: '1' } }, 'm2');
    const third = apply(second, { metadata: { name: 'c' }, data: { a: '1' } }, 'm1');
    expect(third).toMatchObject({ data: { a: '1', c: '1' } });
    expect(third).not.toHaveProperty(['data', 'b']);
    expect(owners(third)).toEqual({ m1: { 'f:data': { 'f:a': {} } }, m2: { 'f:data': { 'f:c': {} } } });
  });

  it('reports every conflict, and takes the fields when forced', () => {
    const first = apply(undefined, { metadata: { name: 'c' }, data: { a: '1', b: '1', c: '1' } }, 'm1');
    const edited = update(first, { metadata: { name: 'c' }, data: { a: '2', b: '1', c: '1', d: '1' } }, 'upd');
    const config = { metadata: { name: 'c' }, data: { a: '3', b: '3', c: '3', d: '3' } };
    expect(() => apply(edited, config, 'm2')).toThrow(
      'Apply failed with 4 conflicts: conflicts with "m1":\n- .data.b\n- .data.c\nconflicts with "upd" using v1:\n- .data.a\n- .data.d',
    );
    expect(() => apply(edited, { metadata: { name: 'c' }, data: { a: '9' } }, 'm1')).toThrow(
      'Apply failed with 1 conflict: conflict with "upd" using v1: .data.a',
    );
    expect(owners(apply(edited, config, 'm2', configMap, true))).toEqual({
      m2: { 'f:data': { 'f:a': {}, 'f:b': {}, 'f:c': {}, 'f:d': {} } },
    });
  });

  it('lets two managers own the same value', () => {
    const first = apply(undefined, { metadata: { name: 'c' }, data: { a: '1' } }, 'm1');
    const shared = apply(first, { metadata: { name: 'c' }, data: { a: '1' } }, 'm2');
    expect(owners(shared)).toEqual({ m1: { 'f:data': { 'f:a': {} } }, m2: { 'f:data': { 'f:a': {} } } });
    const released = apply(shared, { metadata: { name: 'c' } }, 'm1');
    expect(released).toMatchObject({ data: { a: '1' } });
    expect(owners(released)).toEqual({ m2: { 'f:data': { 'f:a': {} } } });
  });

  it.each<[string, JsonObject]>([
    ['null', { image: null }],
    ['another spelling of the same quantity', { resources: { limits: { cpu: '0.5' } } }],
  ])('compares what was sent: %s takes a field from its owner', (_, change) => {
    const config = (fields: JsonObject) => ({
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'a', ...fields }] },
    });
    const first = apply(undefined, config({ image: 'x', resources: { limits: { cpu: '500m' } } }), 'm1', pod);
    expect(() => apply(first, config(change), 'm2', pod)).toThrow(
      'Apply failed with 1 conflict: conflict with "m1": .spec.containers[name="a"].',
    );
    expect(apply(first, config(change), 'm2', pod, true).metadata?.managedFields).toHaveLength(2);
  });

  it('leaves the owners of a map alone that loses its last entry', () => {
    const first = apply(undefined, { metadata: { name: 'c' }, data: { a: '1' } }, 'm1');
    const second = apply(first, { metadata: { name: 'c' }, data: {} }, 'm2');
    const third = apply(second, { metadata: { name: 'c' } }, 'm1');
    expect(third).not.toHaveProperty('data');
    expect(owners(third)).toEqual({ m2: { 'f:data': {} } });
  });

  it('takes null in a key as a value of its own, and only what is absent as the default', () => {
    const port = { containerPort: 80, protocol: null };
    const config = { metadata: { name: 'p' }, spec: { containers: [{ name: 'a', ports: [port] }] } };
    expect(JSON.stringify(owners(apply(undefined, config, 'm1', pod)))).toContain(
      JSON.stringify('k:{"containerPort":80,"protocol":null}'),
    );
  });

  it('gives no time to who comes to own without changing anything', () => {
    const first = apply(undefined, { metadata: { name: 'c' }, data: { a: '1', b: '1' } }, 'm1');
    const shared = apply(first, { metadata: { name: 'c' }, data: { a: '1' } }, 'm2');
    const times = (object: Stored) => object.metadata?.managedFields?.map(({ manager, time }) => [manager, time]);
    expect(times(shared)).toEqual([
      ['m2', undefined],
      ['m1', '2024-01-01T00:00:00Z'],
    ]);
    const changed = apply(shared, { metadata: { name: 'c' }, data: { a: '1', d: '1' } }, 'm2');
    expect(times(changed)?.map(([, time]) => time)).toEqual(['2024-01-01T00:00:00Z', '2024-01-01T00:00:02Z']);
  });

  it('does not own what its endpoint resets, not even to keep it', () => {
    const schema = pod;
    const config = { metadata: { name: 'p' }, status: { phase: 'Running' } };
    const applied = apply(apply(undefined, config, 'm1', schema), config, 'm1', schema);
    expect(owners(applied)).toEqual({});
  });

  it('adopts objects from before server-side apply', () => {
    const live: Stored = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c', uid: 'u' },
      ...{ data: { a: '1' } },
    };
    expect(() => apply(live, { metadata: { name: 'c' }, data: { a: '2' } }, 'm1')).toThrow(
      'conflict with "before-first-apply" using v1: .data.a',
    );
  });

  it('lets kubectl take over what it applied on the client side', () => {
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c' },
      data: { a: '1', b: '1' },
    });
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': text };
    const live = update(
      undefined,
      { metadata: { name: 'c', annotations }, data: { a: '1', b: '1' } },
      'kubectl-client-side-apply',
    );
    const config = { metadata: { name: 'c' }, data: { a: '2' } };
    expect(() => apply(live, config, 'other')).toThrow('conflict');
    const applied = apply(live, config, 'kubectl');
    expect(applied).toMatchObject({ data: { a: '2' } });
    expect(applied.metadata?.annotations?.['kubectl.kubernetes.io/last-applied-configuration']).toContain('"a":"2"');
  });

  it('keeps lists in a sensible order', () => {
    const names = (object: Stored) =>
      (object as unknown as { spec: { containers: { name: string }[] } }).spec.containers.map(({ name }) => name);
    const containers = (...list: string[]): JsonObject => ({
      metadata: { name: 'p' },
      spec: { containers: list.map((name) => ({ name })) },
    });
    const first = apply(undefined, containers('a', 'b', 'c'), 'm1', pod);
    expect(names(apply(first, containers('x', 'c'), 'm2', pod))).toEqual(['a', 'b', 'x', 'c']);
    expect(names(apply(first, containers('c', 'a'), 'm1', pod))).toEqual(['c', 'a']);
  });

  it.each<[StructSchema, JsonObject, string]>([
    [configMap, { data: { a: 1 } }, '.data.a: expected string, got &value.valueUnstructured{Value:1}'],
    [pod, { spec: { bogus: 1 } }, '.spec.bogus: field not declared in schema'],
    [pod, { spec: { containers: 'x' } }, '.spec.containers: expected list, got &{x}'],
    [
      pod,
      { spec: { containers: [{ image: 'x' }] } },
      '.spec.containers: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
    ],
    [
      pod,
      { spec: { containers: [{ name: 'd' }, { name: 'd' }] } },
      '.spec.containers: duplicate entries for key [name="d"]',
    ],
    [
      pod,
      { metadata: { name: 'c', finalizers: ['s', 's'] } },
      '.metadata.finalizers: duplicate entries for key [="s"]',
    ],
    [
      deployment,
      { spec: { replicas: 'x', selector: 1 } },
      'errors:\n  .spec.replicas: expected numeric (int or float), got string\n  .spec.selector: expected map, got &{1}',
    ],
  ])('refuses what does not fit the type: %#', (schema, config, message) => {
    const kind = schema.name.split('.').at(-1) ?? '';
    expect(() => apply(undefined, { metadata: { name: 'c' }, ...config }, 'm', schema)).toThrow(
      `failed to create typed patch object (/c; /v1, Kind=${kind}): ${message}`,
    );
  });

  it('refuses managed fields in the configuration', () => {
    expect(() => apply(undefined, { metadata: { name: 'c', managedFields: [] } }, 'm')).toThrow(
      'metadata.managedFields must be nil',
    );
  });
});

describe('laws of ownership', () => {
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { maxKeys: 3 });
  const container = fc.record(
    { name: fc.constantFrom('x', 'y'), image: fc.constantFrom('1', '2') },
    { requiredKeys: ['name'] },
  );
  const containers = fc.uniqueArray(container, { selector: ({ name }) => name });
  const config = fc.record({ labels: data, containers }).map(({ labels, containers: list }): JsonObject => ({
    metadata: { name: 'p', labels },
    spec: { containers: list },
  }));

  it('applying twice is applying once', () => {
    fc.assert(
      fc.property(config, config, (theirs, mine) => {
        const live = apply(undefined, theirs, 'theirs', pod, true);
        const once = apply(live, mine, 'mine', pod, true);
        const twice = apply(once, mine, 'mine', pod, true);
        expect(twice).toEqual(once);
      }),
    );
  });

  it('an applier gets its values, owns them, and what nobody else owns of its last apply is gone', () => {
    fc.assert(
      fc.property(config, config, config, (first, theirs, second) => {
        let live = apply(undefined, first, 'mine', pod, true);
        live = apply(live, theirs, 'theirs', pod, true);
        const result = apply(live, second, 'mine', pod, true) as unknown as JsonObject & Stored;
        const applied = (second.metadata as JsonObject).labels as Record<string, string>;
        expect({ ...result.metadata?.labels, ...applied }).toEqual(result.metadata?.labels ?? {});
        const labels = Object.keys(result.metadata?.labels ?? {});
        const wanted = [second, theirs].flatMap((from) => Object.keys((from.metadata as JsonObject).labels as object));
        for (const label of labels) expect(wanted).toContain(label);
      }),
    );
  });

  it('an apply that changes no value of others never conflicts', () => {
    // Empty maps and lists are not kept: applying them always adds something.
    const isKept = ({ metadata, spec }: JsonObject) =>
      Object.keys((metadata as JsonObject).labels ?? {}).length > 0 &&
      ((spec as JsonObject).containers as unknown[]).length > 0;
    fc.assert(
      fc.property(config.filter(isKept), (shared) => {
        const live = apply(undefined, shared, 'one', pod);
        expect(() => apply(live, shared, 'two', pod)).not.toThrow();
      }),
    );
  });
});
