import fc from 'fast-check';
import { type BodyOptions, decodeBody, type FieldValidation } from './body';
import { decodeValue, zeroStruct } from './decode';
import { JsonSyntaxError, parseJson } from './json-text';
import { type JsonValue } from './objects';
import { decodeBase64, decodeTime } from './scalars';
import { configMap, deployment, pod } from './schema.fixture';

const expected = { group: '', version: 'v1', kind: 'ConfigMap' };

function body(text: string, fieldValidation: FieldValidation = 'Warn', format: 'json' | 'yaml' = 'json') {
  const schemaOf: BodyOptions['schemaOf'] = ({ group, version, kind }) =>
    group === '' && version === 'v1' ? { ConfigMap: configMap, Pod: pod, Deployment: deployment }[kind] : undefined;
  return decodeBody(text, { format, expected, schemaOf, fieldValidation });
}

const handled = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: ';
const unrecognised = 'the object provided is unrecognized (must be of type ConfigMap): ';

describe('decodeBody', () => {
  it.each<[string, string]>([
    ['{"data":{"a":1}}', `${handled}json: cannot unmarshal number into Go struct field ConfigMap.data of type string`],
    [
      '{"data":"x"}',
      `${handled}json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string`,
    ],
    [
      '{"immutable":"yes"}',
      `${handled}json: cannot unmarshal string into Go struct field ConfigMap.immutable of type bool`,
    ],
    [
      '{"metadata":"x"}',
      `${handled}json: cannot unmarshal string into Go struct field ConfigMap.metadata of type v1.ObjectMeta`,
    ],
    ['{"binaryData":{"a":"not base64!"}}', `${handled}illegal base64 data at input byte 3`],
    [
      '{"metadata":{"creationTimestamp":"yesterday"}}',
      `${handled}parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"`,
    ],
    [
      '{"kind":"Wrong"}',
      'Wrong in version "v1" cannot be handled as a ConfigMap: no kind "Wrong" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    ['{', `${unrecognised}couldn't get version/kind; json parse error: unexpected end of JSON input ({)`],
    [
      '[]',
      `${unrecognised}couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b5d)`,
    ],
  ])('refuses %s', (text, message) => {
    expect(() => body(text)).toThrow(expect.objectContaining({ code: 400, message }) as Error);
  });

  it('names structs, fields and numbers as Go does', () => {
    const at = (text: string) => () => body(`{"kind":"Deployment","spec":${text}}`);
    expect(at('{"replicas":"two"}')).toThrow('string into Go struct field DeploymentSpec.spec.replicas of type int32');
    expect(at('{"replicas":1.5}')).toThrow(
      'number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
    expect(at('{"replicas":3000000000}')).toThrow('number 3000000000 into Go struct field');
    expect(at('{"template":{"spec":{"containers":[{"ports":[{"containerPort":"x"}]}]}}}')).toThrow(
      'field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32',
    );
    expect(at('{"template":{"spec":{"containers":["a"]}}}')).toThrow('of type v1.Container');
  });

  it('treats unknown and duplicate fields as asked', () => {
    const text = '{"metadata":{"name":"a","nope":1},"bogus":1,"data":{"a":"1","a":"2"}}';
    const problems = ['duplicate field "data.a"', 'unknown field "metadata.nope"', 'unknown field "bogus"'];
    expect(body(text, 'Warn').warnings).toEqual(problems);
    expect(body(text, 'Ignore').warnings).toEqual([]);
    expect(() => body(text, 'Strict')).toThrow(`${handled}strict decoding error: ${problems.join(', ')}`);
    expect(body(text, 'Ignore').object).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a' },
      data: { a: '2' },
    });
  });

  it('takes null for an empty object', () => {
    expect(body('null').object).toMatchObject({ kind: 'ConfigMap' });
  });

  it('shows the path of an unknown field with its indices', () => {
    const text = '{"kind":"Pod","spec":{"containers":[{"name":"a","$patch":"delete"}]}}';
    expect(body(text).warnings).toEqual(['unknown field "spec.containers[0].$patch"']);
  });

  it('reads YAML 1.1 without its dates', () => {
    const { object, warnings } = body('data:\n  a: 2024-01-01\n  b: "yes"\n  a: x\n', 'Warn', 'yaml');
    expect(object.data).toEqual({ a: 'x', b: 'yes' });
    expect(warnings).toEqual(['line 4: key "a" already set in map']);
    expect(() => body('data:\n  a: yes\n', 'Warn', 'yaml')).toThrow('cannot unmarshal bool into Go struct field');
    expect(() => body('data:\n  a: 1\n  a: 1\n', 'Strict', 'yaml')).toThrow();
    expect(() => body('a: [', 'Warn', 'yaml')).toThrow(
      `${unrecognised}yaml: line 1: did not find expected node content (613a205b)`,
    );
    expect(() => body('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n\tdata: 1\n', 'Warn', 'yaml')).toThrow(
      'yaml: line 4: found character that cannot start any token (61706956657273696f6e3a2076310a6b696e643a20436f6e6669674d6170 ...)',
    );
  });

  it('refuses what expands or nests without bound', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(10)}]`),
    ];
    expect(() => body(bomb.join('\n'), 'Warn', 'yaml')).toThrow('yaml: document contains excessive aliasing');
    expect(() => body('a: *b', 'Warn', 'yaml')).toThrow("yaml: unknown anchor 'b' referenced");
    for (const deep of ['[', '{a: ', '- ', '? ']) {
      expect(() => body(deep.repeat(100_000), 'Warn', 'yaml')).toThrow('yaml: line 1: exceeded max depth');
    }
    const block = Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('');
    expect(() => body(block, 'Warn', 'yaml')).toThrow(/yaml: line 50\d: exceeded max depth/);
    expect(body(`unknown: ${'['.repeat(400)}${']'.repeat(400)}`, 'Ignore', 'yaml').warnings).toEqual([]);
    expect(() => body('['.repeat(20000))).toThrow('exceeded max depth');
    expect(() => body('['.repeat(2000) + ']'.repeat(2000))).toThrow('exceeded max depth');
  });
});

describe('decodeValue', () => {
  it('normalises as a round trip through Go would', () => {
    const { value } = decodeValue(
      {
        metadata: { labels: {}, creationTimestamp: null, finalizers: [] },
        spec: {
          containers: [
            { name: 'a', image: null, ports: [{ containerPort: 1, hostPort: 0 }], resources: { limits: { cpu: 0.1 } } },
          ],
          volumes: [{ name: 'v', emptyDir: {} }],
          hostNetwork: false,
        },
      },
      pod,
    );
    expect(value).toEqual({
      metadata: {},
      spec: {
        containers: [{ name: 'a', ports: [{ containerPort: 1 }], resources: { limits: { cpu: '100m' } } }],
        volumes: [{ name: 'v', emptyDir: {} }],
        hostNetwork: false,
      },
      status: {},
    });
    expect(zeroStruct(pod)).toEqual({ metadata: {}, spec: { containers: null }, status: {} });
  });

  it('writes an empty list that is required, unless Go leaves it out', () => {
    const field = { schema: { type: 'list', items: { type: 'string' } }, description: '', required: true } as const;
    const schema = { type: 'struct', name: 'T', description: '' } as const;
    const decoded = (list: object) => decodeValue({}, { ...schema, fields: { list: { ...field, ...list } } }).value;
    expect(decoded({})).toEqual({ list: null });
    expect(decoded({ omitEmpty: true })).toEqual({});
  });

  it('does not change its input and settles after one round', () => {
    const json = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<JsonValue>(null, 1, '', 'x', true, {}, []),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('metadata', 'data', 'labels', 'name', 'x', '__proto__'), tie('value'), {
          maxKeys: 3,
        }),
      ),
    })).value;
    fc.assert(
      fc.property(json, (input) => {
        const before = JSON.stringify(input);
        let once: JsonValue;
        try {
          once = decodeValue(input, configMap).value;
        } catch (error) {
          expect(error).toHaveProperty('name', 'DecodeError');
          return;
        }
        expect(JSON.stringify(input)).toBe(before);
        expect(decodeValue(once, configMap)).toEqual({ value: once, strictErrors: [] });
      }),
    );
  });
});

describe('scalars', () => {
  it.each([
    ['2024-01-01T10:00:00+02:00', false, '2024-01-01T08:00:00Z'],
    ['2024-01-01T10:00:00.9Z', false, '2024-01-01T10:00:00Z'],
    ['2024-01-01T10:00:00.1234567Z', true, '2024-01-01T10:00:00.123456Z'],
    ['2024-01-01T10:00:00Z', true, '2024-01-01T10:00:00.000000Z'],
  ])('time %s', (text, micro, canonical) => expect(decodeTime(text, micro)).toBe(canonical));

  it('reads every base64 that Go writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(decodeBase64(text)).toBe(text);
      }),
    );
    for (const text of ['a', 'ab', 'abc', 'a===', '=abc', 'ab=c'])
      expect(() => decodeBase64(text)).toThrow('illegal base64');
  });
});

describe('parseJson', () => {
  it.each([
    ['', 'unexpected end of JSON input'],
    ['garbage', "invalid character 'g' looking for beginning of value"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['tru3', "invalid character '3' in literal true (expecting 'e')"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ])('%j: %s', (text, message) => {
    expect(() => parseJson(text)).toThrow(JsonSyntaxError);
    expect(() => parseJson(text)).toThrow(message);
  });

  it('agrees with JSON.parse, and finds no duplicates where there are none', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text)).toEqual({ value: JSON.parse(text), duplicates: [] });
      }),
    );
  });

  it('finds duplicates behind awkward strings', () => {
    expect(parseJson('{"a\\"":"x:","l":[{"b":1, "b" :2}],"a\\"":1,"a\\"":2}').duplicates).toEqual([
      'duplicate field "l[0].b"',
      'duplicate field "a\\""',
    ]);
  });
});
