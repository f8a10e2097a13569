import { type ListSchema, type Schema, type StructSchema } from '#machinery';
import { allResources, allSchemas, findSchema, schemaFor } from '../index';

function at(start: StructSchema, path: string): Schema {
  let schema: Schema = start;
  for (const step of path.split('.')) {
    if (schema.type === 'list') schema = schema.items;
    if (schema.type === 'map') schema = schema.values;
    if (schema.type !== 'struct') throw new Error(`${path}: no field ${step} in ${schema.type}`);
    const field: StructSchema['fields'][string] | undefined = schema.fields[step];
    if (field === undefined) throw new Error(`${path}: no field ${step}`);
    schema = field.schema;
  }
  return schema;
}

describe('schemas', () => {
  const pod = schemaFor('', 'v1', 'Pod');

  it('exist for every built-in resource and every list', () => {
    for (const { group, version, kind, listKind, verbs } of allResources) {
      expect(schemaFor(group, version, kind).name).toMatch(new RegExp(`\\.${kind}$`));
      if (verbs.includes('list')) expect(schemaFor(group, version, listKind).fields['items']).toBeDefined();
    }
  });

  it.each([
    ['spec.containers', { listType: 'map', mapKeys: ['name'] }],
    ['spec.containers.ports', { listType: 'map', mapKeys: ['containerPort', 'protocol'] }],
    ['spec.tolerations', { listType: 'atomic' }],
    ['metadata.finalizers', { listType: 'set' }],
  ])('know how %s is shared', (path, expected) => {
    expect(at(pod, path)).toMatchObject({ type: 'list', ...expected });
  });

  it('know patch strategies and merge keys', () => {
    const spec = at(pod, 'spec') as StructSchema;
    expect(spec.fields['volumes']).toMatchObject({ patchStrategy: ['merge', 'retainKeys'], patchMergeKey: 'name' });
    const ports = at(pod, 'spec.containers.ports') as ListSchema;
    expect((ports.items as StructSchema).fields['protocol']?.default).toBe('TCP');
  });

  it('tell quantities, ports and times from plain text', () => {
    expect(at(pod, 'spec.containers.resources.limits')).toEqual({ type: 'map', values: { type: 'quantity' } });
    expect(at(pod, 'spec.containers.livenessProbe.httpGet.port')).toEqual({ type: 'int-or-string' });
    expect(at(pod, 'metadata.creationTimestamp')).toEqual({ type: 'string', format: 'date-time' });
    expect(at(schemaFor('coordination.k8s.io', 'v1', 'Lease'), 'spec.renewTime')).toEqual({
      type: 'string',
      format: 'micro-time',
    });
    expect(at(schemaFor('', 'v1', 'Secret'), 'data')).toEqual({
      type: 'map',
      values: { type: 'string', format: 'byte' },
    });
  });

  it('own a reference as a whole, except where it is shared', () => {
    expect((at(schemaFor('', 'v1', 'Event'), 'involvedObject') as StructSchema).atomic).toBe(true);
    const claimRef = at(schemaFor('', 'v1', 'PersistentVolume'), 'spec.claimRef') as StructSchema;
    expect(claimRef.atomic).toBeUndefined();
    expect(claimRef.fields['uid']).toBeDefined();
  });

  it('are cyclic where the types are', () => {
    const props = allSchemas().get('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
    expect(props?.fields['not']?.schema).toBe(props);
  });

  it('find the kinds of metav1 in every group version, and nothing elsewhere', () => {
    expect(findSchema('apps', 'v1', 'DeleteOptions')?.name).toBe('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
    expect(findSchema('apps', 'v1', 'Pod')).toBeUndefined();
    expect(findSchema('apps', 'v9', 'Deployment')).toBeUndefined();
    expect(() => schemaFor('apps', 'v9', 'Deployment')).toThrow('apps/v9 has no built-in kind Deployment');
  });
});
