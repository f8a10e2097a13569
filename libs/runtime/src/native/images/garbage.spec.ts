import fc from 'fast-check';
import { type ImageRecord } from './catalog';
import { defaultGarbagePolicy } from '../../container-runtime';
import { bytesToFree, collectable, onlyIn } from './garbage';
import { findImage, withImage, withoutName } from './image-names';

const hex = (letter: string): string => letter.repeat(64);

function image(id: string, more: Partial<ImageRecord> = {}): ImageRecord {
  return {
    id: `sha256:${hex(id)}`,
    tags: [],
    digests: [],
    blobs: [],
    layers: [],
    sizeBytes: 1,
    config: { env: [], labels: {}, volumes: [] },
    createdAt: 0,
    lastUsedAt: 0,
    isPinned: false,
    users: [],
    ...more,
  };
}

test.each([
  [16, 0],
  [15, 5],
  [0, 20],
  [100, 0],
])('with %i of 100 bytes left, %i have to be freed', (availableBytes, expected) => {
  expect(bytesToFree({ capacityBytes: 100, availableBytes }, defaultGarbagePolicy)).toBe(expected);
});

test('of the images that may go, the least recently used go first', () => {
  const images = [
    image('a', { lastUsedAt: 30 }),
    image('b', { lastUsedAt: 10, createdAt: 5 }),
    image('c', { lastUsedAt: 10, createdAt: 1 }),
    image('d', { isPinned: true }),
    image('e', { users: ['container'] }),
    image('f', { createdAt: 95 }),
  ];
  expect(collectable(images, 10, 100).map(({ id }) => id[7])).toEqual(['c', 'b', 'a']);
});

test('nothing that an image needs is removed with another', () => {
  const letters = fc.subarray(['1', '2', '3', '4', '5']);
  fc.assert(
    fc.property(letters, letters, letters, (one, two, three) => {
      const [a, b, c] = [image('a', { layers: one }), image('b', { layers: two }), image('c', { layers: three })];
      const { layers } = onlyIn([a, b], [c]);
      expect(layers.filter((layer) => three.includes(layer))).toEqual([]);
      expect(new Set([...layers, ...three])).toEqual(new Set([...one, ...two, ...three]));
    }),
  );
});

describe('names', () => {
  const digest = `docker.io/library/x@sha256:${hex('d')}`;
  const one = image('a', { tags: ['docker.io/library/x:1', 'docker.io/library/x:latest'], digests: [digest] });
  const images = [one, image('b', { tags: ['quay.io/y:1'] })];

  test.each([
    'x:1',
    'x',
    'docker.io/x:1',
    'docker.io/library/x',
    `x@sha256:${hex('d')}`,
    `x:whatever@sha256:${hex('d')}`,
    hex('a'),
    `sha256:${hex('a')}`,
    hex('a').slice(0, 12),
  ])('%s is found', (name) => expect(findImage(images, name)).toBe(one));

  test.each(['x:2', 'y:1', hex('c'), 'a', '', 'UPPER'])('%s is not', (name) =>
    expect(findImage(images, name)).toBeUndefined(),
  );

  test('a name means the image that got it last', () => {
    const [old, other, added] = withImage(images, image('c', { tags: ['docker.io/library/x:1'] }));
    expect(old?.tags).toEqual(['docker.io/library/x:latest']);
    expect([other, added?.tags]).toEqual([images[1], ['docker.io/library/x:1']]);
  });

  test('the same image again only gets more names, and stays in use', () => {
    const used = [{ ...one, users: ['container'] }];
    const [merged] = withImage(used, image('a', { tags: ['quay.io/z:1'], createdAt: 9 }));
    expect(merged).toMatchObject({ users: ['container'], createdAt: 0, tags: [...one.tags, 'quay.io/z:1'] });
  });

  test('an image goes with its last tag, or by its id', () => {
    const left = withoutName(one, 'x:1');
    expect(left?.tags).toEqual(['docker.io/library/x:latest']);
    expect(left && withoutName(left, 'x')).toBeUndefined();
    expect(withoutName(one, one.id)).toBeUndefined();
    expect(withoutName(one, digest)?.digests).toEqual([]);
  });
});
