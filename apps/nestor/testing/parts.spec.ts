import { readManifests } from './apply';
import { conditionLines, hasCondition, parseCondition } from './conditions';
import { durationMs } from './duration';

test.each([
  [0, 0],
  [1500, 1500],
  ['500ms', 500],
  ['2.5s', 2500],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['3d', 259_200_000],
])('%p is %p ms', (text, ms) => expect(durationMs(text)).toBe(ms));

test.each(['', '10', 'm', '-1s', '1h 30m', '1y', -1, NaN, Infinity])('%p is no duration', (text) =>
  expect(() => durationMs(text)).toThrow('is no duration'),
);

test('manifests: several documents, lists, comments, JSON', () => {
  const text = `
# nothing but a comment
---
apiVersion: v1
kind: ConfigMap
metadata: { name: a }
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: b } }
  - { apiVersion: v1, kind: Secret, metadata: { name: c } }
---
{ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "d" } }
`;
  expect(readManifests(text).map(({ kind, metadata }) => `${kind} ${metadata?.name}`)).toEqual([
    'ConfigMap a',
    'ConfigMap b',
    'Secret c',
    'ConfigMap d',
  ]);
});

test('manifests that are none say which', () => {
  expect(() => readManifests('a: b')).toThrow('document 1 has no apiVersion and kind');
  expect(() => readManifests('--- {}\n--- [')).toThrow(/document 1 has no|document 2 is no YAML/);
  expect(() => readManifests('{apiVersion: v1, kind: List, items: [{}]}')).toThrow('document 1, item 1 has no');
});

describe('conditions', () => {
  const object = (status: string, generations: object = {}) => ({
    metadata: { generation: 2 },
    status: { conditions: [{ type: 'Ready', status, reason: 'Because', message: 'of this', ...generations }] },
  });

  test.each([
    ['Ready', 'True', true],
    ['ready', 'True', true],
    ['Ready=false', 'False', true],
    ['Ready=Unknown', 'Unknown', true],
    ['Ready', 'False', false],
    ['Other', 'True', false],
  ])('%s, with Ready=%s: %p', (wanted, status, isMet) =>
    expect(hasCondition(object(status), parseCondition(wanted))).toBe(isMet),
  );

  test('what was said of an older generation does not count', () => {
    expect(hasCondition(object('True', { observedGeneration: 1 }), parseCondition('Ready'))).toBe(false);
    expect(hasCondition(object('True', { observedGeneration: 2 }), parseCondition('Ready'))).toBe(true);
  });

  test('lines', () => expect(conditionLines(object('False'))).toEqual(['Ready=False Because: of this']));

  test('no condition', () => expect(() => parseCondition('Ready = yes')).toThrow('is no condition'));
});
