import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { encodeAnswer, type RecordsAnswer, udpLimit } from './encode';
import { WireError, isEncodable, readName } from './names';
import { parseQuery, type Query } from './query';
import { type DnsRecord, readAnswer } from './records';

function query(name: string, type = 'A', udpPayloadSize?: number): Query {
  const additionals = udpPayloadSize === undefined ? [] : [{ name: '.', type: 'OPT', udpPayloadSize }];
  const parsed = parseQuery(
    dnsPacket.encode({ id: 7, type: 'query', flags: 0x100, questions: [{ name, type }], additionals }),
  );
  if (parsed.kind !== 'query') throw new Error(parsed.kind);
  return parsed.query;
}

function encode(
  records: DnsRecord[],
  change: Partial<RecordsAnswer> = {},
  limit = 65_535,
  asked = query('Web.Example'),
): Buffer {
  return encodeAnswer(asked, { rcode: 'NOERROR', isAuthoritative: true, answers: records, ...change }, limit);
}

const a = (name: string, address = '10.0.0.1'): DnsRecord => ({ name, ttl: 5, type: 'A', address });

describe('queries', () => {
  test('are read, names in lower case', () => {
    expect(query('Web.Default.SVC', 'SRV', 4096)).toMatchObject({
      id: 7,
      name: 'web.default.svc',
      type: 33,
      isInternet: true,
      isRecursionDesired: true,
      edns: { udpSize: 4096, version: 0, isDnssecOk: false },
    });
  });

  test.each<[string, Buffer, unknown]>([
    ['nothing', Buffer.alloc(0), { kind: 'ignore' }],
    ['half a header', Buffer.alloc(11), { kind: 'ignore' }],
    ['an answer', Buffer.from('000080000001000000000000', 'hex'), { kind: 'ignore' }],
    [
      'an update',
      Buffer.from('0007280000010000000000000000010001', 'hex'),
      { kind: 'bad', id: 7, opcode: 5, rcode: 'NOTIMP' },
    ],
    [
      'no question',
      Buffer.from('000701000000000000000000', 'hex'),
      { kind: 'bad', id: 7, opcode: 0, rcode: 'FORMERR' },
    ],
    [
      'a question that ends',
      Buffer.from('0007010000010000000000000361', 'hex'),
      { kind: 'bad', id: 7, opcode: 0, rcode: 'FORMERR' },
    ],
    [
      'a name that points at itself',
      Buffer.from('000701000001000000000000c00c00010001', 'hex'),
      { kind: 'bad', id: 7, opcode: 0, rcode: 'FORMERR' },
    ],
    [
      'more records than there are',
      Buffer.from('0007010000010000000000050000010001', 'hex'),
      { kind: 'bad', id: 7, opcode: 0, rcode: 'FORMERR' },
    ],
  ])('%s', (_, message, expected) => {
    expect(parseQuery(message)).toEqual(expected);
  });

  test('no bytes make the reader throw, or anything but WireError come out of the others', () => {
    const wellFormed = dnsPacket.encode({ id: 7, type: 'query', questions: [{ name: 'a.b.c', type: 'A' }] });
    const mutated = fc
      .tuple(
        fc.array(fc.tuple(fc.nat(wellFormed.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 30 }),
      )
      .map(([changes, tail]) => {
        const message = Buffer.concat([wellFormed, tail]);
        for (const [at, value] of changes) message[at] = value;
        return message;
      });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
          mutated,
        ),
        (message) => {
          const parsed = parseQuery(message);
          if (parsed.kind === 'query')
            encodeAnswer(parsed.query, { rcode: 'NXDOMAIN', isAuthoritative: true, answers: [] }, 512);
          for (const read of [() => readAnswer(message), () => readName(message, 0)]) {
            try {
              read();
            } catch (error) {
              expect(error).toBeInstanceOf(WireError);
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('answers, as another implementation reads them', () => {
  test('every type of record', () => {
    const records: DnsRecord[] = [
      a('web.example'),
      { name: 'web.example', ttl: 5, type: 'CNAME', target: 'other.example' },
      {
        name: '_http._tcp.web.example',
        ttl: 5,
        type: 'SRV',
        priority: 0,
        weight: 50,
        port: 8080,
        target: 'a.web.example',
      },
      { name: '1.0.0.10.in-addr.arpa', ttl: 5, type: 'PTR', target: 'web.example' },
      { name: 'version.example', ttl: 5, type: 'TXT', text: '1.1.0' },
      { name: 'example', ttl: 5, type: 'NS', target: 'ns.example' },
      {
        name: 'example',
        ttl: 5,
        type: 'SOA',
        primary: 'ns.example',
        mailbox: 'root.example',
        serial: 4_000_000_000,
        refresh: 1,
        retry: 2,
        expire: 3,
        minimum: 4,
      },
    ];
    const read = dnsPacket.decode(encode(records));
    expect(read).toMatchObject({ id: 7, type: 'response', rcode: 'NOERROR', flag_aa: true, flag_tc: false });
    // The question comes back letter by letter; answers point at it.
    expect(read.questions[0]?.name).toBe('Web.Example');
    expect(read.answers.map(({ name, type, data }) => [name, type, data])).toEqual([
      ['Web.Example', 'A', '10.0.0.1'],
      ['Web.Example', 'CNAME', 'other.Example'],
      ['_http._tcp.Web.Example', 'SRV', { priority: 0, weight: 50, port: 8080, target: 'a.web.example' }],
      ['1.0.0.10.in-addr.arpa', 'PTR', 'Web.Example'],
      ['version.Example', 'TXT', [Buffer.from('1.1.0')]],
      ['Example', 'NS', 'ns.Example'],
      [
        'Example',
        'SOA',
        {
          mname: 'ns.Example',
          rname: 'root.Example',
          serial: 4_000_000_000,
          refresh: 1,
          retry: 2,
          expire: 3,
          minimum: 4,
        },
      ],
    ]);
  });

  test('names of any shape survive', () => {
    const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(name, fc.array(name, { maxLength: 5 }), (asked, names) => {
        const read = dnsPacket.decode(
          encode(
            names.map((one) => a(one)),
            {},
            65_535,
            query(asked),
          ),
        );
        expect(read.answers.map((record) => record.name)).toEqual(names);
      }),
    );
  });

  test('what does not fit: first additional records go, then answers, with TC', () => {
    const answers = Array.from({ length: 100 }, (_, i) => a('web.example', `10.0.0.${i}`));
    const small = query('web.example');
    expect(udpLimit(small)).toBe(512);
    const few = encode(answers.slice(0, 20), { additionals: answers }, 512, small);
    expect(dnsPacket.decode(few)).toMatchObject({ flag_tc: false, additionals: [] });
    const many = encode(answers, {}, 512, small);
    expect(many.length).toBeLessThanOrEqual(512);
    const read = dnsPacket.decode(many);
    expect(read.flag_tc).toBe(true);
    // 16 bytes each after header and question.
    expect(read.answers).toHaveLength(Math.floor((512 - 12 - 17) / 16));
    expect(udpLimit(query('web.example', 'A', 100))).toBe(512);
    expect(udpLimit(query('web.example', 'A', 65_000))).toBe(4096);
  });

  test('a client with EDNS gets EDNS, with the upper bits of the code', () => {
    const read = dnsPacket.decode(encode([], { rcode: 'BADVERS' }, 512, query('web.example', 'A', 1232)));
    expect(read.additionals).toMatchObject([{ type: 'OPT', extendedRcode: 1 }]);
  });
});

test.each([
  ['a.b', true],
  ['', true],
  ['a..b', false],
  [`${'a'.repeat(64)}.b`, false],
  [Array.from({ length: 80 }, () => 'abc').join('.'), false],
])('%p can be encoded: %p', (name, expected) => {
  expect(isEncodable(name)).toBe(expected);
});
