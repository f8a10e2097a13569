import { type CertificateSigningRequest, type CertificateSigningRequestCondition } from '#api';
import { formatFieldError } from '#machinery';
import { createAuthority, createCertificateRequest } from '#pki';
import { validateRequest, validateRequestUpdate, type UpdateRights } from './validation';

const base64 = (text: string) => Buffer.from(text).toString('base64');
let pem: string;
let certificate: string;
beforeAll(async () => {
  pem = (await createCertificateRequest({ commonName: 'jane' })).requestPem;
  certificate = base64((await createAuthority('x', Date.now())).certificatePem);
});

type Spec = Partial<CertificateSigningRequest['spec']>;
const request = (spec: Spec = {}, status: CertificateSigningRequest['status'] = {}): CertificateSigningRequest => ({
  metadata: { name: 'r' },
  spec: { request: base64(pem), signerName: 'example.com/s', usages: ['client auth'], ...spec },
  status,
});
const texts = (object: CertificateSigningRequest) => validateRequest(object).map(formatFieldError);
const condition = (type: string, more: object = {}): CertificateSigningRequestCondition => ({
  type,
  status: 'True',
  ...more,
});

describe('a certificate signing request', () => {
  it('is valid with a PEM request, a signer and usages', () => expect(texts(request())).toEqual([]));

  it.each<[string, () => Spec, string[]]>([
    [
      'without a request',
      () => ({ request: '' }),
      ['spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST'],
    ],
    [
      'with something else',
      () => ({ request: 'eA==' }),
      ['spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST'],
    ],
    ['without usages', () => ({ usages: [] }), ['spec.usages: Required value']],
    ['with a usage twice', () => ({ usages: ['any', 'any'] }), ['spec.usages[1]: Duplicate value: "any"']],
    ['without a signer', () => ({ signerName: '' }), ['spec.signerName: Required value']],
    [
      'with the signer of old',
      () => ({ signerName: 'kubernetes.io/legacy-unknown' }),
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
      ],
    ],
    [
      'with a signer without domain',
      () => ({ signerName: 'nodomain' }),
      [
        'spec.signerName: Invalid value: "nodomain": must be a fully qualified domain and path of the form \'example.com/signer-name\'',
      ],
    ],
    [
      'with a short domain',
      () => ({ signerName: 'com/s' }),
      ['spec.signerName: Invalid value: "com": should be a domain with at least two segments separated by dots'],
    ],
    [
      'for a moment only',
      () => ({ expirationSeconds: 599 }),
      ['spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)'],
    ],
  ])('%s is refused', (_what, spec, expected) => expect(texts(request(spec()))).toEqual(expected));

  it('with an unknown usage is told all of them', () => {
    expect(texts(request({ usages: ['fly'] }))).toEqual([
      expect.stringMatching(/^spec\.usages\[0\]: Unsupported value: "fly": supported values: "any", "cert sign", /),
    ]);
  });

  it('that somebody changed after signing is refused', () => {
    const [begin = '', ...lines] = pem.trim().split('\n');
    const der = Buffer.from(lines.slice(0, -1).join(''), 'base64');
    der.write('john', der.indexOf('jane'));
    const forged = `${begin}\n${der.toString('base64')}\n${lines.at(-1)}\n`;
    expect(texts(request({ request: base64(forged) }))).toEqual([
      expect.stringContaining('x509: ECDSA verification failure'),
    ]);
  });
});

describe('an update', () => {
  const update = (
    before: CertificateSigningRequest['status'],
    after: CertificateSigningRequest['status'],
    rights?: UpdateRights,
  ) => validateRequestUpdate(request({}, after), request({}, before), rights).map(formatFieldError);
  const approved = { conditions: [condition('Approved')] };

  it('approves, and issues, by the ways that may', () => {
    expect(update({}, approved, { decides: true })).toEqual([]);
    expect(update(approved, { ...approved, certificate }, { issues: true })).toEqual([]);
    expect(update(approved, { conditions: [condition('Failed'), condition('Approved')] }, { issues: true })).toEqual(
      [],
    );
  });

  it('does neither by another way', () => {
    expect(update({}, approved)).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ]);
    expect(update({}, { certificate })).toEqual([
      'status.certificate: Forbidden: updates may not set certificate content',
    ]);
  });

  it('takes no decision back, and does not contradict it', () => {
    const removed = 'status.conditions: Forbidden: updates may not remove a condition of type "Approved"';
    expect(update(approved, {}, { decides: true })).toEqual([removed]);
    expect(update(approved, { conditions: [condition('Denied')] }, { decides: true })).toEqual([removed]);
    const both = { conditions: [condition('Approved'), condition('Denied')] };
    expect(update(approved, both, { decides: true })).toEqual([
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ]);
  });

  it('gives certificates only, and one only', () => {
    const text =
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block';
    expect(update({}, { certificate: 'eA==' }, { issues: true })).toEqual([text]);
    const other = base64(Buffer.from(certificate, 'base64').toString().repeat(2));
    expect(update({ certificate }, { certificate: other }, { issues: true })).toEqual([
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    ]);
  });

  it.each([
    [condition(''), 'status.conditions[0].type: Required value'],
    [
      condition('Approved', { status: 'False' }),
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    ],
    [condition('Other', { status: '' }), 'status.conditions[0].status: Required value'],
  ])('refuses the condition %j', (bad, text) => {
    expect(update({}, { conditions: [bad] }, { decides: true })).toEqual([text]);
  });
});
