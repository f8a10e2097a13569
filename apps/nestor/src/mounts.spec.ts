import { mountsBelow } from './mounts';

const line = (path: string): string => `36 35 98:0 / ${path} rw,noatime master:1 - ext3 /dev/root rw`;

it('finds what is mounted below a directory, the deepest first, with odd names', () => {
  const info = ['/', '/data', '/data/a', '/data/a/b\\040c', '/database/x'].map(line).join('\n');
  expect(mountsBelow(info, '/data')).toEqual(['/data/a/b c', '/data/a']);
});
