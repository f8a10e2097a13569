import { cgroupOf, cgroupParentOf } from './cgroup-parent';

test('the group of a cluster is said as the engine wants to hear it', () => {
  expect(cgroupParentOf('c', 'cgroupfs')).toBe(cgroupOf('c'));
  expect(cgroupParentOf('c', 'systemd')).toBe('nestor-c.slice');
  expect(cgroupParentOf('c', 'none')).toBeUndefined();
});
