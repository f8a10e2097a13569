import { etcdserverpb } from '#etcd';
import { fromJson, toJson } from './json-messages';

it('brings a message back from its JSON', () => {
  const request = etcdserverpb.TxnRequest.fromPartial({
    compare: [
      { result: 1, target: 3, key: Buffer.from('a'), targetUnion: { $case: 'value', value: Buffer.from('\xff') } },
    ],
    success: [{ request: { $case: 'requestPut', requestPut: { key: Buffer.from('a'), lease: -5n, prevKv: true } } }],
    failure: [{ request: { $case: 'requestRange', requestRange: { limit: 2n ** 62n, sortOrder: 2 } } }],
  });
  const json = toJson('etcdserverpb.TxnRequest', request as never);
  expect(json).toEqual({
    compare: [{ result: 'GREATER', target: 'VALUE', key: 'YQ==', value: 'w78=' }],
    success: [{ request_put: { key: 'YQ==', lease: '-5', prev_kv: true } }],
    failure: [{ request_range: { limit: '4611686018427387904', sort_order: 'DESCEND' } }],
  });
  const read = etcdserverpb.TxnRequest.encode(fromJson('etcdserverpb.TxnRequest', json) as never).finish();
  expect(Buffer.from(read).equals(etcdserverpb.TxnRequest.encode(request).finish())).toBe(true);
});

it('takes both names of a field, numbers as text, enums as numbers, and null for nothing', () => {
  const json = { key: null, rangeEnd: 'YQ==', min_mod_revision: '3', sortOrder: 2, limit: 7, unheardOf: 1 };
  expect(fromJson('etcdserverpb.RangeRequest', json)).toMatchObject({
    key: new Uint8Array(),
    rangeEnd: Buffer.from('a'),
    minModRevision: 3n,
    sortOrder: 2,
    limit: 7n,
    countOnly: false,
  });
});

it.each([
  [{ key: '!!' }, 'illegal base64 data at input byte 0'],
  [{ key: 'YQ' }, /illegal base64/],
  [{ key: 5 }, /cannot unmarshal number/],
  [{ limit: 1.5 }, /cannot unmarshal/],
  [{ limit: '9223372036854775808' }, /cannot unmarshal number/],
  [{ limit: true }, /cannot unmarshal boolean/],
  [{ serializable: 'yes' }, /cannot unmarshal string/],
  [{ sort_order: 'toString' }, /unknown value "toString"/],
  [[], /cannot unmarshal array/],
  ['x', /cannot unmarshal string/],
])('refuses %j', (json, message) => {
  expect(() => fromJson('etcdserverpb.RangeRequest', json)).toThrow(message);
});
