import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type ContainerCreateOptions, type HostConfig, type MountSettings } from 'dockerode';
import {
  type ContainerConfig,
  type ContainerResources,
  type ContainerSecurity,
  type Mount,
  type SandboxConfig,
} from '../container-runtime';
import { containerLabels, containerName, type Owner, sandboxLabels, sandboxName } from './labels';

/** As the kubelet rotates: 10 MiB, five files. */
const logConfig = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } };
/** Little processor time, and the last thing that the kernel kills: everything in the pod hangs from it. */
const sandboxShares = 2;
const sandboxOomScoreAdj = -998;

/** The engine's default is private too, but for paths that hold its own directory: those it takes as slaves only. */
const propagations: Readonly<Record<Mount['propagation'], 'rslave' | 'rshared' | undefined>> = {
  private: undefined,
  'host-to-container': 'rslave',
  bidirectional: 'rshared',
};

export function sandboxOptions(
  config: SandboxConfig,
  { image, network, owner }: { readonly image: string; readonly network: string; readonly owner: Owner },
): ContainerCreateOptions & { name: string } {
  const { ip, hostNetwork, portMappings, sysctls, cgroupParent } = config;
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { containerPort, protocol, hostIp, hostPort } of portMappings) {
    const key = `${containerPort}/${protocol.toLowerCase()}`;
    (bindings[key] ??= []).push({ HostIp: hostIp ?? '', HostPort: String(hostPort) });
  }
  return {
    name: sandboxName(config.pod),
    Image: image,
    // A host's name is the host's business.
    ...(hostNetwork ? {} : { Hostname: config.hostname }),
    Labels: { ...sandboxLabels(config, owner) },
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((key) => [key, {}])),
    HostConfig: {
      NetworkMode: hostNetwork ? 'host' : network,
      ...(hostNetwork ? { UTSMode: 'host' } : {}),
      IpcMode: config.hostIpc ? 'host' : 'shareable',
      ...(config.hostPid ? { PidMode: 'host' } : {}),
      PortBindings: bindings,
      Sysctls: { ...sysctls },
      ...(cgroupParent === undefined ? {} : { CgroupParent: cgroupParent }),
      CpuShares: sandboxShares,
      OomScoreAdj: sandboxOomScoreAdj,
      LogConfig: { Type: 'none', Config: {} },
      CapDrop: ['ALL'],
      ReadonlyRootfs: true,
      SecurityOpt: ['no-new-privileges'],
    },
    ...(hostNetwork || ip === undefined
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: ip } } } } }),
  };
}

/** Rejects when a seccomp profile cannot be read. */
export async function containerOptions(
  sandboxId: string,
  sandbox: SandboxConfig,
  config: ContainerConfig,
  owner: Owner,
): Promise<ContainerCreateOptions & { name: string }> {
  const { command = [], args = [], security } = config;
  const shared = `container:${sandboxId}`;
  return {
    name: containerName(sandbox.pod, config),
    Image: config.image,
    ...(command.length === 0 ? {} : { Entrypoint: [...command] }),
    ...(args.length === 0 ? {} : { Cmd: [...args] }),
    ...(config.workingDir === undefined ? {} : { WorkingDir: config.workingDir }),
    ...(config.stopSignal === undefined ? {} : { StopSignal: config.stopSignal }),
    ...(security.user === undefined ? {} : { User: security.user }),
    Env: config.env.map(({ name, value }) => `${name}=${value}`),
    Labels: { ...containerLabels(sandbox.pod, sandboxId, config, owner) },
    OpenStdin: config.stdin,
    StdinOnce: config.stdinOnce,
    Tty: config.tty,
    // Probes are the agent's; an image's own HEALTHCHECK would only burn time.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: sandbox.hostNetwork ? 'host' : shared,
      ...(sandbox.hostNetwork ? { UTSMode: 'host' } : {}),
      IpcMode: sandbox.hostIpc ? 'host' : shared,
      ...pidMode(sandbox, shared, config.targetContainerId),
      Mounts: config.mounts.map(({ hostPath, containerPath, readOnly, propagation }) => ({
        Type: 'bind',
        Source: hostPath,
        Target: containerPath,
        ReadOnly: readOnly,
        ...bindOptions(propagations[propagation]),
      })),
      Devices: config.devices.map(({ hostPath, containerPath, permissions }) => ({
        PathOnHost: hostPath,
        PathInContainer: containerPath,
        CgroupPermissions: permissions,
      })),
      ...(sandbox.cgroupParent === undefined ? {} : { CgroupParent: sandbox.cgroupParent }),
      ...resourceOptions(config.resources),
      LogConfig: logConfig,
      ...(await securityOptions(security)),
    },
  };
}

function bindOptions(propagation: 'rslave' | 'rshared' | undefined): Pick<MountSettings, 'BindOptions'> {
  return propagation === undefined ? {} : { BindOptions: { Propagation: propagation } };
}

function pidMode({ hostPid, shareProcessNamespace }: SandboxConfig, shared: string, target?: string): HostConfig {
  if (hostPid) return { PidMode: 'host' };
  if (shareProcessNamespace) return { PidMode: shared };
  return target === undefined ? {} : { PidMode: `container:${target}` };
}

/** Swap is no memory: the limit is that of both together. */
export function resourceOptions(resources: ContainerResources): HostConfig {
  const { cpuShares, cpuQuota, cpuPeriod, memoryLimitBytes, oomScoreAdj, pidsLimit } = resources;
  return {
    ...(cpuShares === undefined ? {} : { CpuShares: cpuShares }),
    ...(cpuQuota === undefined ? {} : { CpuQuota: cpuQuota }),
    ...(cpuPeriod === undefined ? {} : { CpuPeriod: cpuPeriod }),
    ...(memoryLimitBytes === undefined ? {} : { Memory: memoryLimitBytes, MemorySwap: memoryLimitBytes }),
    ...(oomScoreAdj === undefined ? {} : { OomScoreAdj: oomScoreAdj }),
    ...(pidsLimit === undefined ? {} : { PidsLimit: pidsLimit }),
  };
}

async function securityOptions(security: ContainerSecurity): Promise<HostConfig> {
  return {
    Privileged: security.privileged,
    CapAdd: [...security.capabilitiesAdd],
    CapDrop: [...security.capabilitiesDrop],
    GroupAdd: security.supplementalGroups.map(String),
    ReadonlyRootfs: security.readOnlyRootFilesystem,
    ...(security.unmaskedProc ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    SecurityOpt: [
      ...(security.noNewPrivileges ? ['no-new-privileges'] : []),
      ...(await seccompOptions(security.seccomp)),
      ...appArmorOptions(security.appArmor),
      ...Object.entries(security.selinux ?? {}).map(([key, value]) => `label=${key}:${value}`),
    ],
  };
}

/** No profile means unconfined, as the kubelet has it without `--seccomp-default`. */
async function seccompOptions(seccomp = 'unconfined'): Promise<string[]> {
  if (seccomp === 'runtime/default') return [];
  if (!path.isAbsolute(seccomp)) return ['seccomp=unconfined'];
  return [`seccomp=${JSON.stringify(JSON.parse(await readFile(seccomp, 'utf8')))}`];
}

function appArmorOptions(profile: string | undefined): string[] {
  if (profile === undefined || /^(RuntimeDefault|runtime\/default)$/.test(profile)) return [];
  if (/^unconfined$/i.test(profile)) return ['apparmor=unconfined'];
  return [`apparmor=${profile.replace(/^localhost\//, '')}`];
}
