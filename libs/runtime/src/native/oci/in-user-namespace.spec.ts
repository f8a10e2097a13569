import { inUserNamespace } from './in-user-namespace';
import { type OciSpec } from './spec-types';

const spec: OciSpec = {
  ociVersion: '1.0.2',
  root: { path: '/c/rootfs', readonly: false },
  process: {
    terminal: false,
    user: { uid: 0, gid: 0, additionalGids: [0, 10, 70_000] },
    args: ['sh'],
    env: [],
    cwd: '/',
    capabilities: { bounding: [], effective: [], permitted: [] },
    noNewPrivileges: false,
    oomScoreAdj: -998,
  },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: [] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'gid=5'] },
  ],
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'pid' }],
    cgroupsPath: '/c',
    resources: {},
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 }],
  },
};
const own = [{ inside: 0, outside: 1000, count: 1 }];
const more = [...own, { inside: 1, outside: 100_000, count: 65_536 }];
const alone = { users: own, groups: own, maySetGroups: false };
const many = { users: more, groups: more, maySetGroups: true };
const facts = { devices: [{ hostPath: '/dev/fuse', path: '/dev/f' }], asked: [] as number[], leastOomScore: 200 };
const mountAt = ({ mounts }: OciSpec, place: string) => mounts.find(({ destination }) => destination === place);

test('devices are those of the machine, mounted instead of made', () => {
  const changed = inUserNamespace(spec, alone, facts);
  expect(changed.linux.devices).toEqual([]);
  expect(mountAt(changed, '/dev/f')).toMatchObject({ type: 'bind', source: '/dev/fuse' });
  expect(mountAt(changed, '/dev/null')).toMatchObject({ type: 'bind', source: '/dev/null' });
  const bound = { ...spec, mounts: [{ destination: '/dev', type: 'bind', source: '/dev', options: ['rbind'] }] };
  expect(inUserNamespace(bound, alone, facts).mounts).toEqual(bound.mounts);
});

test('groups that nobody has are left out if the image names them, and refused if the pod does', () => {
  expect(inUserNamespace(spec, many, facts).process.user).toEqual({ uid: 0, gid: 0, additionalGids: [0, 10] });
  expect(inUserNamespace(spec, alone, facts).process.user).toEqual({ uid: 0, gid: 0 });
  expect(() => inUserNamespace(spec, alone, { ...facts, asked: [10] })).toThrow('there is no group 10 here, only 0:');
});

test('a user that is not there is refused with the remedy', () => {
  const other = { ...spec, process: { ...spec.process, user: { uid: 1000, gid: 0 } } };
  expect(() => inUserNamespace(other, alone, facts)).toThrow(/no user 1000 here, only 0: .*\/etc\/subuid/);
  expect(inUserNamespace(other, many, facts).process.user.uid).toBe(1000);
});

test('terminals have a group where there is one; nothing is killed later than the node', () => {
  expect(mountAt(inUserNamespace(spec, alone, facts), '/dev/pts')?.options).toEqual(['newinstance']);
  expect(mountAt(inUserNamespace(spec, many, facts), '/dev/pts')?.options).toContain('gid=5');
  expect(inUserNamespace(spec, many, facts).process.oomScoreAdj).toBe(200);
});

test("who shares the machine's processes sees them by its /proc", () => {
  const sharing = { ...spec, linux: { ...spec.linux, namespaces: [{ type: 'mount' } as const] } };
  expect(mountAt(inUserNamespace(sharing, many, facts), '/proc')).toMatchObject({ type: 'bind', source: '/proc' });
  expect(mountAt(inUserNamespace(spec, many, facts), '/proc')).toMatchObject({ type: 'proc' });
});
