import {
  type ResourceDefinition,
  allResources,
  allVerbs,
  openApiV2Document,
  openApiV3Document,
  openApiV3Index,
} from '../../index';
import { referencesIn } from './schema-objects';

/** Documents as a client sees them. */
type Json = { readonly [key: string]: Json } & readonly Json[];
const asClient = (document: unknown): Json => JSON.parse(JSON.stringify(document)) as Json;

const widget: ResourceDefinition = {
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  listKind: 'WidgetList',
  plural: 'widgets',
  singular: 'widget',
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: allVerbs,
  subresources: [],
};

describe('OpenAPI v3', () => {
  const index = openApiV3Index(allResources).paths;

  it('has a document behind every path of the index, complete in itself', () => {
    expect(Object.keys(index)).toContain('apis/apps/v1');
    for (const path of Object.keys(index)) {
      const document = asClient(openApiV3Document(allResources, path, 'v1.36.0'));
      const schemas = Object.keys(document['components']?.['schemas'] ?? {});
      for (const name of referencesIn(document, 'v3')) expect(schemas).toContain(name);
    }
  });

  it('tells kubectl what it looks for before it applies', () => {
    const document = asClient(openApiV3Document(allResources, 'apis/apps/v1', 'v1.36.0'));
    const patch = document['paths']?.['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.['patch'];
    expect(patch).toMatchObject({
      operationId: 'patchAppsV1NamespacedDeployment',
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' },
      parameters: expect.arrayContaining([
        expect.objectContaining({ name: 'fieldValidation', in: 'query' }),
        expect.objectContaining({ name: 'dryRun', in: 'query' }),
      ]),
      requestBody: { required: true, content: { 'application/apply-patch+yaml': expect.anything() } },
    });
    expect(
      document['components']?.['schemas']?.['io.k8s.api.core.v1.ContainerPort']?.['properties']?.['protocol'],
    ).toMatchObject({ default: 'TCP' });
  });

  it('has its own hash for each document, which changes with the resources of that document only', () => {
    const hashes = Object.values(index).map(({ serverRelativeURL }) => serverRelativeURL);
    expect(new Set(hashes).size).toBe(hashes.length);
    const changed = openApiV3Index([...allResources, { ...widget, group: 'apps' }]).paths;
    const different = Object.keys(index).filter(
      (path) => index[path]?.serverRelativeURL !== changed[path]?.serverRelativeURL,
    );
    expect(different).toEqual(['apis/apps/v1']);
  });

  it('describes custom resources, known and unknown', () => {
    const resources = [...allResources, widget];
    const name = 'com.example.v1.Widget';
    const schema = { type: 'object', properties: { spec: { type: 'object' } } };
    const document = asClient(openApiV3Document(resources, 'apis/example.com/v1', 'v1', { [name]: schema }));
    expect(document['components']?.['schemas']).toMatchObject({ [name]: schema, [`${name}List`]: { type: 'object' } });
    const patch = document['paths']?.['/apis/example.com/v1/namespaces/{namespace}/widgets/{name}']?.['patch'];
    expect(Object.keys(patch?.['requestBody']?.['content'] ?? {})).not.toContain(
      'application/strategic-merge-patch+json',
    );
    const hash = (custom: object) =>
      openApiV3Index(resources, { [name]: custom as never }).paths['apis/example.com/v1'];
    expect(hash(schema)).not.toEqual(hash({ type: 'object' }));
  });

  it('knows no other documents', () => {
    expect(openApiV3Document(allResources, 'apis/example.com/v1', 'v1')).toBeUndefined();
  });
});

describe('OpenAPI v2', () => {
  const document = asClient(openApiV2Document(allResources, 'v1.36.0'));

  it('defines everything that it mentions', () => {
    const defined = Object.keys(document['definitions'] ?? {});
    for (const name of referencesIn(document, 'v2')) expect(defined).toContain(name);
  });

  it('gives every operation an id of its own', () => {
    const ids = Object.values(document['paths'] ?? {}).flatMap((item) =>
      Object.values(item).flatMap((operation) =>
        typeof operation['operationId'] === 'string' ? [operation['operationId'] as string] : [],
      ),
    );
    expect(ids.length).toBeGreaterThan(800);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('marks kinds, lists and patches', () => {
    expect(document['definitions']?.['io.k8s.api.apps.v1.Deployment']?.['x-kubernetes-group-version-kind']).toEqual([
      { group: 'apps', version: 'v1', kind: 'Deployment' },
    ]);
    const containers = document['definitions']?.['io.k8s.api.core.v1.PodSpec']?.['properties']?.['containers'];
    expect(containers).toMatchObject({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'name',
    });
    expect(
      document['definitions']?.['io.k8s.api.core.v1.PersistentVolumeSpec']?.['properties']?.['claimRef'],
    ).toMatchObject({
      $ref: '#/definitions/io.k8s.api.core.v1.ObjectReference',
      'x-kubernetes-map-type': 'granular',
    });
  });
});
