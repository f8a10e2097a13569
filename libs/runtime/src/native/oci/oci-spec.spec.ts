import { type ContainerConfig, type SandboxConfig } from '../../container-runtime';
import { capabilitiesOf } from './capabilities';
import { resolveUser } from './image-user';
import { type ContainerFacts, containerSpec, sandboxSpec } from './oci-spec';

const everything = (1n << 41n) - 1n;
const security: ContainerConfig['security'] = {
  privileged: false,
  supplementalGroups: [],
  capabilitiesAdd: [],
  capabilitiesDrop: [],
  readOnlyRootFilesystem: false,
  noNewPrivileges: false,
  unmaskedProc: false,
};
const sandbox: SandboxConfig = {
  pod: { namespace: 'default', name: 'web', uid: 'u', attempt: 0 },
  hostname: 'web',
  labels: {},
  annotations: {},
  hostNetwork: false,
  hostPid: false,
  hostIpc: false,
  shareProcessNamespace: false,
  portMappings: [],
  sysctls: { 'net.core.somaxconn': '9' },
};
const config: ContainerConfig = {
  name: 'main',
  attempt: 0,
  image: 'image',
  env: [],
  mounts: [],
  devices: [],
  labels: {},
  annotations: {},
  resources: {},
  security,
  stdin: false,
  stdinOnce: false,
  tty: false,
};
const facts: ContainerFacts = {
  sandbox,
  config,
  image: { env: ['A=image', 'B=image'], entrypoint: ['/entry'], cmd: ['arg'], labels: {}, volumes: [] },
  users: { passwd: 'root:x:0:0::/root:/bin/sh\nweb:x:33:44::/srv:/bin/sh\n', group: 'root:x:0:\nextra:x:50:web,x\n' },
  rootfs: '/c/rootfs',
  cgroupsPath: '/nestor/c',
  shm: '/s/shm',
  sandboxPid: 7,
  devices: [],
  host: { cgroupVersion: 1, capabilities: everything, openFiles: 4096, oomScore: 0 },
};
const specOf = (overrides: Partial<ContainerConfig> = {}, more: Partial<ContainerFacts> = {}) =>
  containerSpec({ ...facts, ...more, config: { ...config, ...overrides } });

test('command and arguments replace what the image says as in upstream', () => {
  const args = (overrides: Partial<ContainerConfig>) => specOf(overrides).process.args;
  expect(args({})).toEqual(['/entry', 'arg']);
  expect(args({ args: ['x'] })).toEqual(['/entry', 'x']);
  expect(args({ command: ['y'] })).toEqual(['y']);
  expect(args({ command: ['y'], args: ['x'] })).toEqual(['y', 'x']);
  expect(() => specOf({}, { image: { env: [], labels: {}, volumes: [] } })).toThrow('no command specified');
});

test("the environment is the image's, then the pod's, and HOME is the user's", () => {
  const { env } = specOf({ env: [{ name: 'B', value: 'pod' }], security: { ...security, user: 'web' } }).process;
  expect(env).toEqual(expect.arrayContaining(['A=image', 'B=pod', 'HOME=/srv', 'HOSTNAME=web']));
  expect(env).not.toContain('B=image');
});

test.each([
  [{}, ['mount', 'network:net', 'uts:uts', 'ipc:ipc', 'pid']],
  [{ shareProcessNamespace: true }, ['mount', 'network:net', 'uts:uts', 'ipc:ipc', 'pid:pid']],
  [{ hostNetwork: true, hostPid: true, hostIpc: true }, ['mount']],
])('namespaces of a pod with %j', (pod, expected) => {
  const { namespaces } = specOf({}, { sandbox: { ...sandbox, ...pod } }).linux;
  const shown = namespaces.map(({ type, path }) => (path === undefined ? type : `${type}:${path.replace(/.*\//, '')}`));
  expect(shown).toEqual(expected);
});

test('a debugging container joins the process namespace of its target', () => {
  expect(specOf({}, { targetPid: 9 }).linux.namespaces).toContainEqual({ type: 'pid', path: '/proc/9/ns/pid' });
});

test('limits, and no swap beyond memory', () => {
  const resources = { cpuShares: 2, cpuQuota: 3, cpuPeriod: 4, memoryLimitBytes: 5, pidsLimit: 6, oomScoreAdj: -5 };
  const spec = specOf({ resources });
  expect(spec.linux.resources).toMatchObject({
    cpu: { shares: 2, quota: 3, period: 4 },
    memory: { limit: 5, swap: 5 },
    pids: { limit: 6 },
  });
  expect(spec.process.oomScoreAdj).toBe(-5);
  expect(spec.process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 4096, hard: 4096 }]);
  const weak = { ...facts.host, cgroupVersion: 1, capabilities: everything & ~(1n << 24n) } as const;
  expect(specOf({ resources }, { host: weak }).process.oomScoreAdj).toBe(0);
});

test('mounts replace those of the system, and take part as they say', () => {
  const mount = { hostPath: '/h', containerPath: '/dev/shm', readOnly: true } as const;
  const { mounts, linux } = specOf({ mounts: [{ ...mount, propagation: 'bidirectional' }] });
  expect(mounts.filter(({ destination }) => destination === '/dev/shm')).toEqual([
    { destination: '/dev/shm', type: 'bind', source: '/h', options: ['rbind', 'rshared', 'ro'] },
  ]);
  expect(linux.rootfsPropagation).toBe('rshared');
  expect(specOf().linux).not.toHaveProperty('rootfsPropagation');
});

test('privileged means unmasked, writable and with every device', () => {
  const { linux, mounts, process } = specOf(
    { security: { ...security, privileged: true } },
    { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } },
  );
  expect(linux).not.toHaveProperty('maskedPaths');
  expect(linux).not.toHaveProperty('seccomp');
  expect(linux.resources.devices).toEqual([{ allow: true, access: 'rwm' }]);
  expect(mounts.find(({ destination }) => destination === '/sys')?.options).toContain('rw');
  expect(process.capabilities.bounding).toHaveLength(41);
  expect(specOf().linux.maskedPaths).toContain('/proc/kcore');
});

test('capabilities: dropped, added, all, and none in effect for who is not root', () => {
  const of = (capabilitiesAdd: string[], capabilitiesDrop: string[], available = everything) =>
    capabilitiesOf({ privileged: false, capabilitiesAdd, capabilitiesDrop }, available);
  expect(of([], [])).toHaveLength(14);
  expect(of([], ['ALL'])).toEqual([]);
  expect(of(['net_admin'], ['ALL'])).toEqual(['CAP_NET_ADMIN']);
  expect(of(['CAP_SYS_TIME'], ['kill'])).toEqual(expect.arrayContaining(['CAP_SYS_TIME', 'CAP_CHOWN']));
  expect(of([], ['kill'])).not.toContain('CAP_KILL');
  expect(of(['ALL'], ['SYS_ADMIN'], everything & ~1n)).toHaveLength(39);
  expect(() => of(['NO_SUCH'], [])).toThrow('unknown capability: "NO_SUCH"');
  const { capabilities } = specOf({ security: { ...security, user: '1000' } }).process;
  expect([capabilities.effective, capabilities.bounding.length]).toEqual([[], 14]);
});

test.each([
  ['', { uid: 0, gid: 0, additionalGids: [0, 9], home: '/root' }],
  ['web', { uid: 33, gid: 44, additionalGids: [44, 50, 9], home: '/srv' }],
  ['33', { uid: 33, gid: 44, additionalGids: [44, 50, 9], home: '/srv' }],
  ['web:extra', { uid: 33, gid: 50, additionalGids: [50, 9], home: '/srv' }],
  ['1234:55', { uid: 1234, gid: 55, additionalGids: [55, 9], home: '/' }],
])('the user "%s" is looked up in the image', (user, expected) => {
  expect(resolveUser(user, facts.users, [9])).toEqual(expected);
});

test.each(['nobody-here', 'web:no-such-group', '99999999999'])('the user "%s" is refused', (user) => {
  expect(() => resolveUser(user, facts.users, [])).toThrow(/unable to find|must be in range/);
});

test("the pod's sandbox holds what its containers share, and can do nothing", () => {
  const { linux, process, hostname } = sandboxSpec(sandbox, { rootfs: '/p', cgroupsPath: '/c', host: facts.host });
  expect(linux.namespaces.map(({ type }) => type)).toEqual(['mount', 'network', 'uts', 'ipc']);
  expect([hostname, process.capabilities.bounding, linux.sysctl]).toEqual(['web', [], sandbox.sysctls]);
});
