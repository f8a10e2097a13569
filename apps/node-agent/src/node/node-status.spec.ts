import { type RuntimeInfo } from '#runtime';
import { nodeConditions } from './node-status';

const info: RuntimeInfo = {
  name: 'native',
  version: '1',
  apiVersion: 'v1',
  cgroupVersion: 1,
  cgroupDriver: 'cgroupfs',
  operatingSystem: 'Linux',
  kernelVersion: '6',
  architecture: 'x86_64',
};
const now = Date.parse('2026-01-02T03:04:05Z');

test('what a runtime cannot do is a condition of the node, True if it is missing', () => {
  const limits = [
    { type: 'SingleUser', isThere: true, reason: 'NoSubordinateIds', message: 'only 0' },
    { type: 'NetworkRestricted', isThere: false, reason: 'Open', message: '' },
  ];
  const conditions = nodeConditions({ info: { ...info, limits } }, [], now);
  expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual([
    ...['MemoryPressure=False', 'DiskPressure=False', 'PIDPressure=False'],
    ...['SingleUser=True', 'NetworkRestricted=False', 'Ready=True'],
  ]);
  expect(conditions[3]).toMatchObject({ reason: 'NoSubordinateIds', message: 'only 0' });
});

test('the time of a transition stays while the status does', () => {
  const before = nodeConditions({ info }, [], now);
  const later = nodeConditions({ error: 'gone' }, before, now + 60_000);
  const at = (type: string) => later.find((condition) => condition.type === type)?.lastTransitionTime;
  expect(at('DiskPressure')).toBe('2026-01-02T03:04:05Z');
  expect(at('Ready')).toBe('2026-01-02T03:05:05Z');
});
