import { openApiV2Document } from '../openapi/openapi-v2';
import { allResources } from '../resources';
import { encodeOpenApiV2 } from './encode-openapi-v2';
import { readFields } from './wire-reader';

/** The members with a field's number, as buffers. */
function members(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  for (const { number, value } of readFields(message)) {
    if (number === wanted && value.type === 'bytes') found.push(value.value);
  }
  return found;
}
const only = (message: Buffer, ...path: readonly number[]): Buffer =>
  path.reduce((inner, number) => members(inner, number)[0] ?? Buffer.alloc(0), message);
const named = (message: Buffer, list: number, name: string): Buffer =>
  only(members(message, list).find((pair) => only(pair, 1).toString() === name) ?? Buffer.alloc(0), 2);

describe('the OpenAPI v2 document as protobuf', () => {
  const document = encodeOpenApiV2(openApiV2Document(allResources, 'v1.2.3'));

  it('has schemas with their types, references and extensions', () => {
    expect(only(document, 1).toString()).toBe('2.0');
    const pod = named(only(document, 9), 1, 'io.k8s.api.core.v1.Pod');
    expect(only(pod, 22, 1).toString()).toBe('object');
    const kinds = JSON.parse(only(named(pod, 31, 'x-kubernetes-group-version-kind'), 2).toString()) as unknown;
    expect(kinds).toEqual([{ group: '', kind: 'Pod', version: 'v1' }]);
    expect(only(named(only(pod, 25), 1, 'spec'), 1).toString()).toBe('#/definitions/io.k8s.api.core.v1.PodSpec');
    const spec = named(only(document, 9), 1, 'io.k8s.api.core.v1.PodSpec');
    expect(members(spec, 19).map(String)).toEqual(['containers']);
    const containers = named(only(spec, 25), 1, 'containers');
    expect(only(containers, 23, 1, 1).toString()).toBe('#/definitions/io.k8s.api.core.v1.Container');
  });

  it('has operations with their parameters', () => {
    const paths = only(document, 8);
    const post = only(named(paths, 2, '/api/v1/namespaces/{namespace}/pods'), 4);
    expect(only(post, 5).toString()).toBe('createCoreV1NamespacedPod');
    const query = members(post, 8).map((item) => only(item, 1, 2, 3, 4).toString());
    expect(query).toContain('fieldValidation');
  });

  it('refuses what it has no field for, rather than leave it out', () => {
    expect(() => encodeOpenApiV2({ swagger: '2.0', novelty: 1 })).toThrow('novelty');
  });
});
