import { type OciSpec } from '../oci/spec-types';
import { cgroupSteps, type CgroupHierarchies, limitSteps } from './cgroup-steps';
import { encodeSteps, type Step } from './encode-steps';
import { parseHierarchies } from './hierarchies';
import { confined, containerSteps, processSteps } from './launcher-steps';

const version1: CgroupHierarchies = {
  version: 1,
  mountPoints: { memory: '/cg/memory', cpu: '/cg/cpu,cpuacct', cpuacct: '/cg/cpu,cpuacct', devices: '/cg/devices' },
};
const version2: CgroupHierarchies = { version: 2, mountPoint: '/cg' };
const resources = {
  devices: [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 10, minor: 200, access: 'rw' },
  ],
  cpu: { shares: 1024, quota: 50_000, period: 100_000 },
  memory: { limit: 1000, swap: 1000 },
  pids: { limit: 9 },
};
const spec: OciSpec = {
  ociVersion: '1.0.2',
  root: { path: '/c/rootfs', readonly: true },
  process: {
    terminal: false,
    user: { uid: 1, gid: 2, additionalGids: [2, 3] },
    args: ['sh', '-c', ''],
    env: ['PATH=/bin', 'A=\n'],
    cwd: '/work',
    capabilities: { bounding: ['CAP_KILL', 'CAP_CHECKPOINT_RESTORE'], effective: [], permitted: [] },
    noNewPrivileges: false,
  },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
    { destination: '/v', type: 'bind', source: '/h', options: ['rbind', 'rslave', 'ro'] },
  ],
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'network', path: '/proc/7/ns/net' }],
    cgroupsPath: '/nestor/c',
    resources,
    maskedPaths: ['/proc/kcore'],
    readonlyPaths: ['/proc/sys'],
    sysctl: { 'net.core.somaxconn': '9' },
  },
};
const verbs = (steps: readonly Step[]): string[] => steps.map(([verb]) => verb);
const changed = (overrides: Partial<OciSpec['process']>): Step[] => processSteps({ ...spec.process, ...overrides });

test('values are counted, so that none can end a field or begin a step', () => {
  expect(encodeSteps([['exec', '', 'a\0'], ['fork']]).toString('hex')).toBe(
    ['00000012', '0000000465786563', '00000000', '000000026100', '00000008', '00000004666f726b'].join(''),
  );
});

test('namespaces are joined or made before the first process, which sees its mounts before its root is pivoted', () => {
  const steps = containerSteps(spec, version1);
  expect(steps).toContainEqual(['setns', '/proc/7/ns/net', 0x4000_0000]);
  expect(steps.filter(([verb]) => verb === 'unshare')).toEqual([
    ['unshare', 0x2000_0000],
    ['unshare', 0x2_0000],
  ]);
  const order = ['group', 'setns', 'fork', 'enter-groups', 'root', 'mount', 'mask', 'pivot', 'chdir', 'ready', 'exec'];
  const positions = order.map((verb) => verbs(steps).indexOf(verb));
  expect(positions).toEqual([...positions].sort((a, b) => a - b));
  expect(positions).not.toContain(-1);
});

test('a mount is made with its options, a volume gets them by a second one', () => {
  const steps = containerSteps(spec, version1);
  expect(steps).toContainEqual(['mount', 'tmpfs', '/dev', 'tmpfs', 2, 'mode=755,size=64k']);
  expect(steps).toContainEqual(['mount', '/h', '/v', 'bind', 0x5000, '']);
  expect(steps).toContainEqual(['remount', '/v', 1]);
  expect(steps).toContainEqual(['propagate', '/v', 0x8_4000]);
  expect(steps).toContainEqual(['write', '/proc/sys/net/core/somaxconn', '9']);
});

test('devices have their numbers, and a /dev of the pod is left alone', () => {
  const devices = [{ path: '/dev/x', type: 'b', major: 259, minor: 70_000, fileMode: 0o660, uid: 0, gid: 6 }] as const;
  const steps = containerSteps({ ...spec, linux: { ...spec.linux, devices } }, version1);
  expect(steps).toContainEqual(['device', '/dev/x', 0o060660, 0x1110_0000 + 0x1_0370, 0, 6]);
  expect(steps).toContainEqual(['device', '/dev/null', 0o020666, 0x103, 0, 0]);
  const bound = [{ destination: '/dev/', type: 'bind', source: '/h', options: ['rbind'] }];
  expect(verbs(containerSteps({ ...spec, mounts: bound }, version1))).not.toContain('device');
});

test('a filter is loaded last by who has given up new privileges, and before the capabilities go by who has not', () => {
  const filter = Buffer.from('filter');
  const tail = (noNewPrivileges: boolean): string[] =>
    verbs(processSteps({ ...spec.process, noNewPrivileges }, filter)).slice(-6);
  expect(tail(true)).toEqual(['bounding', 'groups', 'identity', 'no-new-privileges', 'seccomp', 'exec']);
  expect(tail(false)).toEqual(['find', 'seccomp', 'bounding', 'groups', 'identity', 'exec']);
});

test('what a process may and is', () => {
  const steps = changed({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 5, hard: 6 }], terminal: true });
  expect(steps).toContainEqual(['bounding', String(2n ** 40n + 32n)]);
  expect(steps).toContainEqual(['groups', 2, 3]);
  expect(steps).toContainEqual(['identity', 1, 2, '0', '0']);
  expect(steps).toContainEqual(['rlimit', 7, 5, 6]);
  expect(steps).toContainEqual(['environment', 'PATH=/bin', 'A=\n']);
  expect(verbs(steps)).toContain('terminal');
});

test('nobody makes device nodes where control groups cannot forbid devices, but who may use them all', () => {
  const names = ['CAP_KILL', 'CAP_MKNOD'];
  const process = { ...spec.process, capabilities: { bounding: names, effective: names, permitted: names } };
  const privileged = { ...spec, linux: { ...spec.linux, resources: { devices: [{ allow: true, access: 'rwm' }] } } };
  expect(confined(process, spec, version1).capabilities.bounding).toEqual(names);
  expect(Object.values(confined(process, spec, version2).capabilities)).toEqual([
    ['CAP_KILL'],
    ['CAP_KILL'],
    ['CAP_KILL'],
  ]);
  expect(confined(process, privileged, version2).capabilities.bounding).toEqual(names);
});

test('what the launcher cannot do is refused', () => {
  expect(() => changed({ apparmorProfile: 'x' })).toThrow('AppArmor');
  expect(() => changed({ selinuxLabel: 'x' })).toThrow('SELinux');
  const sysctl = { 'kernel/../../../etc/passwd': 'x' };
  expect(() => containerSteps({ ...spec, linux: { ...spec.linux, sysctl } }, version1)).toThrow('invalid sysctl');
});

describe('control groups', () => {
  test('of version 1 are one for each mount point, with limits and devices', () => {
    const steps = cgroupSteps(version1, '/nestor/c', resources);
    expect(steps.filter(([verb]) => verb === 'group').map(([, directory]) => directory)).toEqual([
      '/cg/memory/nestor/c',
      '/cg/cpu,cpuacct/nestor/c',
      '/cg/devices/nestor/c',
    ]);
    expect(steps).toContainEqual(['write', '/cg/memory/nestor/c/memory.limit_in_bytes', 1000]);
    const devices = steps.filter(([, file]) => String(file).startsWith('/cg/devices/nestor/c/devices.'));
    expect(devices.slice(0, 2).map(([, file, value]) => [file, value])).toEqual([
      ['/cg/devices/nestor/c/devices.deny', 'a'],
      ['/cg/devices/nestor/c/devices.allow', 'c 10:200 rw'],
    ]);
    expect(devices).toContainEqual(['write', '/cg/devices/nestor/c/devices.allow', 'c 1:3 rwm']);
  });

  test('of version 2 hand controllers down, and have other numbers', () => {
    const steps = cgroupSteps(version2, '/nestor/c', resources);
    expect(steps.slice(0, 5)).toEqual([
      ['parent-group', '/cg'],
      ['try-write', '/cg/cgroup.subtree_control', '+cpu +memory +pids'],
      ['parent-group', '/cg/nestor'],
      ['try-write', '/cg/nestor/cgroup.subtree_control', '+cpu +memory +pids'],
      ['group', '/cg/nestor/c'],
    ]);
    expect(limitSteps(version2, '/nestor/c', resources)).toEqual([
      ['write', '/cg/nestor/c/cpu.weight', 39],
      ['write', '/cg/nestor/c/cpu.max', '50000 100000'],
      ['write', '/cg/nestor/c/memory.max', 1000],
      ['try-write', '/cg/nestor/c/memory.swap.max', 0],
      ['write', '/cg/nestor/c/pids.max', 9],
    ]);
  });

  test.each([
    ['30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup rw', { version: 2, mountPoint: '/sys/fs/cgroup' }],
    [
      [
        '31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw',
        '32 30 0:28 / /sys/fs/a\\040b rw - cgroup cgroup rw,cpu,cpuacct',
      ].join('\n'),
      { version: 1, mountPoints: { rw: '/sys/fs/a b', cpu: '/sys/fs/a b', cpuacct: '/sys/fs/a b' } },
    ],
  ])('are found where they are mounted', (mountinfo, expected) => {
    expect(parseHierarchies(mountinfo)).toEqual(expected);
  });
});
