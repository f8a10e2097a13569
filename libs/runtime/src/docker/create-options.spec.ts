import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerOf, sandboxOf } from '../../../../test/runtime/container-runtime.contract';
import { type ContainerConfig, type ContainerSecurity } from '../container-runtime';
import { containerOptions, resourceOptions, sandboxOptions } from './create-options';
import { containerLabels, givenLabels, podOf, sandboxLabels, sandboxName } from './labels';

const owner = { cluster: 'c', node: 'n' };
const settings = { image: 'pause', network: 'pods', owner };
const directory = mkdtempSync(join(tmpdir(), 'nestor-seccomp-'));
afterAll(() => rmSync(directory, { recursive: true }));

const hostConfigOf = async (overrides: Partial<ContainerConfig>, sandbox = sandboxOf()) =>
  (await containerOptions('s1', sandbox, containerOf('i', ['x'], overrides), owner)).HostConfig ?? {};
const securityOf = (overrides: Partial<ContainerSecurity>) =>
  hostConfigOf({ security: { ...containerOf('i', []).security, ...overrides } });

describe('a sandbox', () => {
  test('has its address on the pod network, and its published ports', () => {
    const config = sandboxOf({
      ip: '10.0.0.5',
      portMappings: [
        { containerPort: 80, hostPort: 8080, protocol: 'TCP' },
        { containerPort: 80, hostPort: 8081, hostIp: '127.0.0.1', protocol: 'TCP' },
        { containerPort: 53, hostPort: 53, protocol: 'UDP' },
      ],
    });
    const options = sandboxOptions(config, settings);
    expect(options.NetworkingConfig).toEqual({
      EndpointsConfig: { pods: { IPAMConfig: { IPv4Address: '10.0.0.5' } } },
    });
    expect(options.HostConfig?.PortBindings).toEqual({
      '80/tcp': [
        { HostIp: '', HostPort: '8080' },
        { HostIp: '127.0.0.1', HostPort: '8081' },
      ],
      '53/udp': [{ HostIp: '', HostPort: '53' }],
    });
    expect(options.ExposedPorts).toEqual({ '80/tcp': {}, '53/udp': {} });
  });

  test('on the host network has no address, and no name of its own', () => {
    const options = sandboxOptions(sandboxOf({ hostNetwork: true }), settings);
    expect(options).not.toHaveProperty('Hostname');
    expect(options).not.toHaveProperty('NetworkingConfig');
    expect(options.HostConfig).toMatchObject({ NetworkMode: 'host', UTSMode: 'host' });
  });

  test('can be found again from its labels, whatever the pod says in its own', () => {
    const config = sandboxOf({ labels: { app: 'a', 'nestor.dev/cluster': 'stolen' }, annotations: { note: 'x' } });
    const labels = sandboxLabels(config, owner);
    expect(labels['nestor.dev/cluster']).toBe('c');
    expect(podOf(labels)).toEqual(config.pod);
    expect(givenLabels(labels)).toMatchObject({ labels: { app: 'a' }, annotations: { note: 'x' } });
  });

  test('has a name that the engine takes, however long the pod name is', () => {
    const name = sandboxName({ namespace: 'default', name: 'a.'.repeat(126), uid: 'u', attempt: 3 });
    expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+_default_u_3$/);
    expect(name.length).toBeLessThan(255);
  });
});

describe('a container', () => {
  test('shares the namespaces of its sandbox', async () => {
    expect(await hostConfigOf({})).toMatchObject({ NetworkMode: 'container:s1', IpcMode: 'container:s1' });
    expect(await hostConfigOf({})).not.toHaveProperty('PidMode');
    const together = sandboxOf({ shareProcessNamespace: true });
    expect(await hostConfigOf({}, together)).toMatchObject({ PidMode: 'container:s1' });
    const host = sandboxOf({ hostNetwork: true, hostPid: true, hostIpc: true });
    expect(await hostConfigOf({}, host)).toMatchObject({ NetworkMode: 'host', IpcMode: 'host', PidMode: 'host' });
  });

  test('sees the processes of the container it targets, unless the pod shares them anyway', async () => {
    const targetContainerId = 'c1';
    expect(await hostConfigOf({ targetContainerId })).toMatchObject({ PidMode: 'container:c1' });
    const together = sandboxOf({ shareProcessNamespace: true });
    expect(await hostConfigOf({ targetContainerId }, together)).toMatchObject({ PidMode: 'container:s1' });
  });

  test('says nothing of propagation where it is private: the engine knows what its own directory needs', async () => {
    const mount = { hostPath: '/', containerPath: '/host', readOnly: false };
    const mounts = [
      { ...mount, propagation: 'private' },
      { ...mount, propagation: 'bidirectional' },
    ] as const;
    expect((await hostConfigOf({ mounts })).Mounts?.map(({ BindOptions }) => BindOptions)).toEqual([
      undefined,
      { Propagation: 'rshared' },
    ]);
  });

  test('leaves out what the image decides', async () => {
    const options = await containerOptions('s1', sandboxOf(), containerOf('i', [], { args: [] }), owner);
    for (const absent of ['Entrypoint', 'Cmd', 'WorkingDir', 'User', 'StopSignal'])
      expect(options).not.toHaveProperty(absent);
  });

  test('limits memory and swap together', () => {
    expect(resourceOptions({ memoryLimitBytes: 1e8, cpuQuota: 50_000, cpuPeriod: 100_000, cpuShares: 512 })).toEqual({
      Memory: 1e8,
      MemorySwap: 1e8,
      CpuQuota: 50_000,
      CpuPeriod: 100_000,
      CpuShares: 512,
    });
    expect(resourceOptions({})).toEqual({});
  });

  test.each<[string, Partial<ContainerSecurity>, readonly string[]]>([
    ['nothing said', {}, ['seccomp=unconfined']],
    ['the default profile', { seccomp: 'runtime/default' }, []],
    ['no escalation', { seccomp: 'runtime/default', noNewPrivileges: true }, ['no-new-privileges']],
    ['AppArmor off', { seccomp: 'runtime/default', appArmor: 'Unconfined' }, ['apparmor=unconfined']],
    ['AppArmor default', { seccomp: 'runtime/default', appArmor: 'RuntimeDefault' }, []],
    ['an AppArmor profile', { seccomp: 'runtime/default', appArmor: 'localhost/mine' }, ['apparmor=mine']],
    [
      'SELinux',
      { seccomp: 'runtime/default', selinux: { level: 's0:c1', type: 't' } },
      ['label=level:s0:c1', 'label=type:t'],
    ],
  ])('security: %s', async (_name, security, expected) => {
    expect((await securityOf(security)).SecurityOpt).toEqual(expected);
  });

  test('a seccomp profile of the host is passed on by content', async () => {
    const file = join(directory, 'profile.json');
    writeFileSync(file, '{ "defaultAction": "SCMP_ACT_ALLOW" }');
    expect((await securityOf({ seccomp: file })).SecurityOpt).toEqual(['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']);
    await expect(securityOf({ seccomp: join(directory, 'absent.json') })).rejects.toThrow('ENOENT');
  });

  test('an unmasked /proc has empty lists, which are not absent ones', async () => {
    expect(await securityOf({ unmaskedProc: true })).toMatchObject({ MaskedPaths: [], ReadonlyPaths: [] });
    expect(await securityOf({})).not.toHaveProperty('MaskedPaths');
  });

  test('labels that the runtime adds do not come back', () => {
    const config = containerOf('i', [], { labels: { mine: '1' }, annotations: { a: 'b' } });
    const all = containerLabels(sandboxOf().pod, 's1', config, owner);
    const given = givenLabels(all);
    expect(given.annotations).toEqual({ a: 'b' });
    expect(Object.keys(given.labels).filter((key) => key.startsWith('nestor.dev/'))).toEqual([]);
    expect(given.labels).toMatchObject({ mine: '1', 'io.kubernetes.container.name': 'main' });
  });
});
