import { RuntimeError } from '../../container-runtime';
import { hasId, type IdRange } from '../rootless/id-maps';
import { type UserNamespace } from '../rootless/user-namespace';
import { type OciMount, type OciProcess, type OciSpec } from './spec-types';

/** A device of the machine for a container. */
export interface DeviceSource {
  readonly hostPath: string;
  readonly path: string;
}

/** What runc makes always. */
const standardDevices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);
/** Of terminals, where there is one. */
const ttyGroup = 5;

/**
 * The same container, as far as root in an ordinary user's namespace can have it: nodes of devices are the machine's, mounted; a process namespace
 * that is the machine's is seen by the machine's /proc; nothing is killed later than the node itself. Throws `RuntimeError` for users and groups that there are none of.
 * @param asked numbers of groups that the pod names; those of the image are left out if there are none such
 * @param leastOomScore of the node
 */
export function inUserNamespace(
  spec: OciSpec,
  namespace: UserNamespace,
  {
    devices,
    asked,
    leastOomScore,
  }: { devices: readonly DeviceSource[]; asked: readonly number[]; leastOomScore: number },
): OciSpec {
  const { process, linux } = spec;
  const { oomScoreAdj: score } = process;
  const sharesProcesses = !linux.namespaces.some(({ type }) => type === 'pid');
  return {
    ...spec,
    process: {
      ...process,
      user: userIn(process.user, namespace, asked),
      ...(score === undefined ? {} : { oomScoreAdj: Math.max(score, leastOomScore) }),
    },
    mounts: [...spec.mounts.map((mount) => mountIn(mount, namespace, sharesProcesses)), ...deviceMounts(spec, devices)],
    linux: { ...linux, devices: [] },
  };
}

function userIn(
  { uid, gid, additionalGids = [] }: OciProcess['user'],
  { users, groups, maySetGroups }: UserNamespace,
  asked: readonly number[],
): OciProcess['user'] {
  if (!hasId(users, uid)) throw noSuch('user', uid, users);
  for (const id of [gid, ...asked]) if (!hasId(groups, id)) throw noSuch('group', id, groups);
  if (!maySetGroups) return { uid, gid };
  return { uid, gid, additionalGids: additionalGids.filter((id) => hasId(groups, id)) };
}

function noSuch(what: string, id: number, ranges: readonly IdRange[]): RuntimeError {
  const all = ranges.map(({ inside, count }) => (count === 1 ? String(inside) : `${inside}-${inside + count - 1}`));
  const remedy = `more take newuidmap (Debian: uidmap) and a range in /etc/subuid and /etc/subgid`;
  return new RuntimeError(
    'start-failed',
    `without root there is no ${what} ${id} here, only ${all.join(', ')}: ${remedy}`,
  );
}

function mountIn(mount: OciMount, { groups }: UserNamespace, sharesProcesses: boolean): OciMount {
  if (mount.type === 'devpts' && !hasId(groups, ttyGroup)) {
    return { ...mount, options: mount.options.filter((option) => option !== `gid=${ttyGroup}`) };
  }
  if (mount.type === 'proc' && sharesProcesses) {
    return { ...mount, type: 'bind', source: '/proc', options: ['rbind', 'rprivate'] };
  }
  return mount;
}

/** A /dev that the pod has put there itself is left alone. */
function deviceMounts({ mounts }: OciSpec, devices: readonly DeviceSource[]): OciMount[] {
  const dev = mounts.find(({ destination }) => destination === '/dev');
  if (dev === undefined || dev.type === 'bind') return [];
  const own = new Set(devices.map(({ path }) => path));
  const all = [
    ...devices,
    ...standardDevices.filter((path) => !own.has(path)).map((path) => ({ hostPath: path, path })),
  ];
  return all.map(({ hostPath, path }) => ({
    destination: path,
    type: 'bind',
    source: hostPath,
    options: ['bind', 'rprivate'],
  }));
}
