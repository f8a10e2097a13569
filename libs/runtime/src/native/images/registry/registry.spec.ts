import { parseChallenges } from './challenge';
import { endpointsOf } from './endpoints';
import { acceptedManifests, isIndex, parseManifest, selectManifest } from './manifest';
import { machinePlatform, type Platform } from './platform';
import { formatReference, parseReference } from './reference';
import { RegistryError } from './registry-error';
import { nextDelayMs, retryAfterMs } from './retry';

const hex = 'a'.repeat(64);
const digest = `sha256:${hex}`;

describe('references', () => {
  test.each([
    ['nginx', 'docker.io', 'library/nginx', 'latest', undefined],
    ['nginx:1.27', 'docker.io', 'library/nginx', '1.27', undefined],
    ['me/app', 'docker.io', 'me/app', 'latest', undefined],
    ['docker.io/nginx', 'docker.io', 'library/nginx', 'latest', undefined],
    ['index.docker.io/nginx', 'docker.io', 'library/nginx', 'latest', undefined],
    ['localhost:5000/a/b:v1', 'localhost:5000', 'a/b', 'v1', undefined],
    ['ghcr.io/a/b/c', 'ghcr.io', 'a/b/c', 'latest', undefined],
    [`quay.io/a@${digest}`, 'quay.io', 'a', undefined, digest],
    [`quay.io/a:v1@${digest}`, 'quay.io', 'a', 'v1', digest],
  ])('%s', (text, registry, repository, tag, wanted) => {
    const reference = parseReference(text);
    expect(reference).toEqual({
      registry,
      repository,
      ...(tag === undefined ? {} : { tag }),
      ...(wanted === undefined ? {} : { digest: wanted }),
    });
    expect(reference && parseReference(formatReference(reference))).toEqual(reference);
  });

  test.each(['', 'UPPER', 'a:', 'a b', '../a', digest, `a/${'b'.repeat(300)}`, 'x'.repeat(5000), 'a@sha256:abc'])(
    '%.40s is none',
    (text) => expect(parseReference(text)).toBeUndefined(),
  );
});

describe('challenges', () => {
  test.each([
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      [
        [
          'bearer',
          { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
        ],
      ],
    ],
    ['Basic realm="a \\"quoted\\" name"', [['basic', { realm: 'a "quoted" name' }]]],
    ['Basic', [['basic', {}]]],
    [
      'Negotiate, Basic realm=plain , Bearer realm="x"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'plain' }],
        ['bearer', { realm: 'x' }],
      ],
    ],
    ['', []],
    ['"nonsense', []],
  ])('%s', (header, expected) => {
    expect(parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters])).toEqual(expected);
  });

  test('a hostile header takes no time', () => {
    expect(parseChallenges(`Bearer realm="${'\\'.repeat(100_000)}`).length).toBeLessThan(3);
  });
});

test.each([
  ['docker.io', {}, ['https://registry-1.docker.io']],
  ['quay.io', {}, ['https://quay.io']],
  ['localhost:5000', {}, ['http://localhost:5000']],
  ['127.0.0.1:5000', { '127.0.0.1:5000': { plainHttp: false } }, ['https://127.0.0.1:5000']],
  ['r:80', { 'r:80': { plainHttp: true } }, ['http://r:80']],
  ['docker.io', { 'docker.io': { mirrors: ['https://m/hub/'] } }, ['https://m/hub', 'https://registry-1.docker.io']],
])('%s is asked at %j', (registry, configs, bases) => {
  expect(endpointsOf(registry, configs).map(({ base }) => base)).toEqual(bases);
});

describe('manifests', () => {
  const descriptor = (more: object = {}) => ({
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest,
    size: 1,
    ...more,
  });
  const layer = descriptor({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' });
  const image = { schemaVersion: 2, config: descriptor(), layers: [layer] };
  const parse = (value: unknown) => parseManifest(Buffer.from(JSON.stringify(value)));

  test('both kinds of both makers are accepted', () => {
    expect(acceptedManifests.split(', ')).toHaveLength(4);
    expect(isIndex(parse(image))).toBe(false);
    expect(isIndex(parse({ schemaVersion: 2, manifests: [] }))).toBe(true);
  });

  test.each<[string, unknown, string]>([
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, 'schema version 1'],
    ['a list', [], 'no JSON object'],
    ['image and index at once', { ...image, manifests: [] }, 'index as well'],
    [
      'an index that calls itself an image',
      { ...image, mediaType: 'application/vnd.oci.image.index.v1+json' },
      'not supported',
    ],
    [
      'a chart',
      { ...image, config: descriptor({ mediaType: 'application/vnd.cncf.helm.config.v1+json' }) },
      'no image of containers',
    ],
    [
      'an encrypted layer',
      { ...image, layers: [descriptor({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted' })] },
      'not supported',
    ],
    ['a path for a digest', { ...image, config: descriptor({ digest: 'sha256:../../etc' }) }, 'without type or digest'],
    ['a negative size', { ...image, config: descriptor({ size: -1 }) }, 'without size'],
    ['no layers', { ...image, layers: undefined }, 'no layers'],
  ])('%s is refused', (_, value, message) => expect(() => parse(value)).toThrow(message));

  const of = (architecture: string, variant?: string, os = 'linux') => ({
    mediaType: 'x',
    size: 1,
    digest: `${os}/${architecture}/${variant ?? ''}`,
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
  });
  const all = [
    of('amd64', undefined, 'windows'),
    of('arm', 'v6'),
    of('arm', 'v7'),
    of('arm64', 'v8'),
    of('amd64'),
    of('amd64', 'v3'),
    of('unknown', undefined, 'unknown'),
  ];

  test.each<[Platform, string]>([
    [machinePlatform('x64'), 'linux/amd64/'],
    [machinePlatform('arm64'), 'linux/arm64/v8'],
    [machinePlatform('arm'), 'linux/arm/v7'],
    [{ os: 'linux', architecture: 'arm', variant: 'v6' }, 'linux/arm/v6'],
    [{ os: 'linux', architecture: 'amd64', variant: 'v4' }, 'linux/amd64/v3'],
    [{ os: 'linux', architecture: 'aarch64' }, 'linux/arm64/v8'],
  ])('for %j', (machine, expected) => expect(selectManifest({ manifests: all }, machine).digest).toBe(expected));

  test('there may be none', () => {
    expect(() => selectManifest({ manifests: all }, machinePlatform('s390x'))).toThrow(
      'no match for platform in manifest',
    );
    expect(() => selectManifest({ manifests: [of('arm', 'v8')] }, machinePlatform('arm'))).toThrow('no match');
  });
});

describe('retries', () => {
  const of = (status?: number, retryAfter?: number) => new RegistryError('x', status, undefined, retryAfter);

  test.each([
    ['3', 3000],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('Retry-After: %s', (header, expected) => expect(retryAfterMs(header, 1000)).toBe(expected));

  test.each<[string, unknown, number, number | undefined]>([
    ['the first repetition comes soon', of(503), 0, 250],
    ['the next later', of(503), 2, 1000],
    ['a broken connection counts as well', of(), 0, 250],
    ['five attempts are enough', of(503), 4, undefined],
    ['what is denied stays denied', of(403), 0, undefined],
    ['what is not there is not there', of(404), 0, undefined],
    ['an error of ours is none of the registry', new Error('x'), 0, undefined],
    ['a registry may ask for time', of(429, 7000), 0, 7000],
    ['but not for more than it gets', of(429, 600_000), 0, undefined],
  ])('%s', (_, error, attempt, expected) => expect(nextDelayMs(error, attempt, () => 0)).toBe(expected));

  test('half of a delay is jitter', () => expect(nextDelayMs(of(503), 0, () => 0.99)).toBeGreaterThan(490));
});
