import fc from 'fast-check';
import { applyJsonPatch } from './json-patch';
import { copyJson, jsonEquals, type JsonObject } from './json-tree';
import { applyMergePatch, createMergePatch } from './merge-patch';
import { type JsonValue } from './objects';
import { deployment, objectMeta, pod } from './schema.fixture';
import { applyStrategicMergePatch } from './strategic-merge';

describe('JSON patch', () => {
  const document = { data: { a: '1' }, list: [1, 2, 3] };

  it.each<[string, JsonValue, JsonValue]>([
    ['adds a key', [{ op: 'add', path: '/data/b', value: '2' }], { ...document, data: { a: '1', b: '2' } }],
    [
      'replaces a missing key',
      [{ op: 'replace', path: '/data/b', value: '2' }],
      { ...document, data: { a: '1', b: '2' } },
    ],
    [
      'inserts and appends',
      [
        { op: 'add', path: '/list/0', value: 0 },
        { op: 'add', path: '/list/-', value: 4 },
      ],
      { ...document, list: [0, 1, 2, 3, 4] },
    ],
    ['counts from the end', [{ op: 'remove', path: '/list/-1' }], { ...document, list: [1, 2] }],
    ['copies', [{ op: 'copy', from: '/data/a', path: '/data/b' }], { ...document, data: { a: '1', b: '1' } }],
    ['moves', [{ op: 'move', from: '/data/a', path: '/data/x~1y' }], { ...document, data: { 'x/y': '1' } }],
    ['tests', [{ op: 'test', path: '/list', value: [1, 2, 3] }], document],
    ['tests for absence', [{ op: 'test', path: '/data/none', value: null }], document],
    ['does nothing', [], document],
  ])('%s', (_, patch, expected) => expect(applyJsonPatch(document, patch).value).toEqual(expected));

  it.each<[JsonValue]>([
    [{ op: 'remove', path: '/data/none' }],
    [{ op: 'test', path: '/data/a', value: 'no' }],
    [{ op: 'bogus', path: '/data' }],
    [{ path: '/data' }],
    [{ op: 'add', path: '/none/x', value: 1 }],
    [{ op: 'remove', path: '/list/9' }],
    [{ op: 'add', path: '/list/9', value: 1 }],
    [{ op: 'add', path: '/list/x', value: 1 }],
    [{ op: 'replace', path: '', value: {} }],
    [{ op: 'move', from: '/none', path: '/x' }],
    [{ op: 'add', path: '/__proto__/polluted', value: 1 }],
  ])('%j does not apply, and nothing changes', (operation) => {
    const before = JSON.stringify(document);
    expect(() => applyJsonPatch(document, [{ op: 'add', path: '/data/b', value: 1 }, operation])).toThrow(
      'the server rejected our request due to an error in our request',
    );
    expect(JSON.stringify(document)).toBe(before);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('refuses what is no patch and what is too much', () => {
    expect(() => applyJsonPatch(document, { op: 'add' })).toThrow(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/data/a', value: '1' }));
    expect(() => applyJsonPatch(document, many)).toThrow(
      'The allowed maximum operations in a JSON patch is 10000, got 10001',
    );
    const doubling = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/k${i}` }));
    expect(() => applyJsonPatch(document, doubling)).toThrow('error in our request');
  });

  it('reports fields of operations that it does not know', () => {
    expect(applyJsonPatch(document, [{ op: 'test', path: '/data/a', value: '1', foo: 1 }]).strictErrors).toEqual([
      'json patch unknown field "[0].foo"',
    ]);
  });
});

const json = fc.letrec<{ object: JsonObject; value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<JsonValue>(1, 'x', true),
    fc.array(fc.constantFrom<JsonValue>(1, 2)),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('value'), { maxKeys: 3 }),
})).object;

describe('merge patch', () => {
  it('follows RFC 7396', () => {
    expect(applyMergePatch({ a: { b: 1, c: 2 }, l: [1] }, { a: { b: null, d: { e: null } }, l: [2] })).toEqual({
      a: { c: 2, d: {} },
      l: [2],
    });
    expect(() => applyMergePatch({}, [])).toThrow(
      'cannot unmarshal array into Go value of type map[string]interface {}',
    );
  });

  it('created from two documents makes the second of the first', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const copy = copyJson(before);
        expect(jsonEquals(applyMergePatch(before, createMergePatch(before, after) ?? {}), after)).toBe(true);
        expect(jsonEquals(before, copy)).toBe(true);
      }),
    );
  });
});

describe('strategic merge patch', () => {
  const containers = (...items: JsonObject[]): JsonObject => ({ spec: { containers: items } });
  const merge = (original: JsonObject, patch: JsonObject): JsonValue => applyStrategicMergePatch(original, patch, pod);

  it('merges by key and puts what is new in front', () => {
    expect(merge(containers({ name: 'a', image: '1' }), containers({ name: 'b' }, { name: 'a', image: '2' }))).toEqual(
      containers({ name: 'b' }, { name: 'a', image: '2' }),
    );
    expect(merge(containers({ name: 'a' }, { name: 'b' }), containers({ name: 'c' }))).toEqual(
      containers({ name: 'c' }, { name: 'a' }, { name: 'b' }),
    );
  });

  it('obeys $patch in elements and objects', () => {
    const original = containers({ name: 'a', env: [{ name: 'X', value: '1' }] }, { name: 'b' });
    expect(merge(original, containers({ name: 'b', $patch: 'delete' }))).toEqual(
      containers({ name: 'a', env: [{ name: 'X', value: '1' }] }),
    );
    expect(merge(original, { spec: { containers: [{ name: 'z' }, { $patch: 'replace' }] } })).toEqual(
      containers({ name: 'z' }),
    );
    expect(
      merge({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }),
    ).toEqual({
      metadata: { labels: { b: '2' } },
    });
  });

  it('loses an object with $patch where there is nothing to be patched', () => {
    const patch = { metadata: { labels: { $patch: 'replace', b: '2' } } };
    expect(applyStrategicMergePatch({ metadata: {} }, patch, deployment)).toEqual({ metadata: {} });
  });

  it('orders by $setElementOrder', () => {
    const original = containers({ name: 'a' }, { name: 'b' }, { name: 'server' });
    const patch = { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } };
    expect(merge(original, patch)).toEqual(containers({ name: 'b' }, { name: 'a' }, { name: 'server' }));
    expect(() =>
      merge(original, {
        spec: { '$setElementOrder/containers': [{ name: 'side' }], containers: [{ name: 'a', image: 'n:3' }] },
      }),
    ).toThrow(
      "The order in patch list:\n[map[image:n:3 name:a]]\n doesn't match $setElementOrder list:\n[map[name:side]]\n",
    );
  });

  it('obeys $retainKeys and $deleteFromPrimitiveList', () => {
    const original = { spec: { volumes: [{ name: 'v', emptyDir: {} }] } };
    const patch = { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } };
    expect(merge(original, patch)).toEqual({ spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } });
    expect(() => merge(original, { spec: { volumes: [{ name: 'v', $retainKeys: ['name'], hostPath: {} }] } })).toThrow(
      'invalid patch format of retainKeys',
    );
    expect(
      applyStrategicMergePatch(
        { finalizers: ['a', 'b'] },
        { '$deleteFromPrimitiveList/finalizers': ['a'] },
        objectMeta,
      ),
    ).toEqual({ finalizers: ['b'] });
    expect(applyStrategicMergePatch({ finalizers: ['a'] }, { finalizers: ['b', 'a'] }, objectMeta)).toEqual({
      finalizers: ['b', 'a'],
    });
  });

  it('replaces lists that do not merge, and says what is missing', () => {
    expect(merge(containers({ name: 'a', command: ['x'] }), containers({ name: 'a', command: ['y'] }))).toEqual(
      containers({ name: 'a', command: ['y'] }),
    );
    expect(() => merge(containers({ name: 'a' }), containers({ image: 'x' }))).toThrow(
      'map: map[image:x] does not contain declared merge key: name',
    );
  });

  it('leaves no directives and no nulls behind', () => {
    const patch = {
      spec: { strategy: { $retainKeys: ['type'], type: 'Recreate', rollingUpdate: null }, template: null },
    };
    expect(applyStrategicMergePatch({ spec: {} }, patch, deployment)).toEqual({
      spec: { strategy: { type: 'Recreate' } },
    });
  });

  it('applied twice changes nothing more', () => {
    const item = fc.record({ name: fc.constantFrom('a', 'b', 'c'), image: fc.constantFrom('1', '2') });
    const items = fc.uniqueArray(item, { selector: ({ name }) => name, maxLength: 3 });
    fc.assert(
      fc.property(items, items, (original, patch) => {
        const once = merge(containers(...original), containers(...patch)) as JsonObject;
        expect(merge(once, containers(...patch))).toEqual(once);
      }),
    );
  });
});
