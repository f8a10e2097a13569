import path from 'node:path';
import { type SeccompProfile, type SecurityContext } from '#api';
import { type DeepReadonly, goQuote } from '#machinery';
import { type ContainerSecurity, type ImageStatus } from '#runtime';
import { type ContainerSpec, type PodObject, podText } from '../pods/pod-containers';
import { configError } from './errors';

/** The security settings of a container: its own, else the pod's. */
export function containerSecurity(
  pod: PodObject,
  container: ContainerSpec,
  image: ImageStatus | undefined,
  seccompRoot: string,
): ContainerSecurity {
  const own: DeepReadonly<SecurityContext> = container.securityContext ?? {};
  const shared = pod.spec?.securityContext ?? {};
  verifyRunAsNonRoot(pod, container, image);
  const user = own.runAsUser ?? shared.runAsUser;
  const group = own.runAsGroup ?? shared.runAsGroup;
  const selinux = own.seLinuxOptions ?? shared.seLinuxOptions;
  const seccomp = seccompText(own.seccompProfile ?? shared.seccompProfile, seccompRoot);
  const appArmor = own.appArmorProfile ?? shared.appArmorProfile;
  return {
    privileged: own.privileged === true,
    ...(user === undefined && group === undefined ? {} : { user: userText(user ?? image?.uid ?? 0, group) }),
    supplementalGroups: [
      ...(shared.supplementalGroups ?? []),
      ...(shared.fsGroup === undefined ? [] : [shared.fsGroup]),
    ],
    capabilitiesAdd: own.capabilities?.add ?? [],
    capabilitiesDrop: own.capabilities?.drop ?? [],
    readOnlyRootFilesystem: own.readOnlyRootFilesystem === true,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(appArmor === undefined ? {} : { appArmor: appArmor.localhostProfile ?? appArmor.type }),
    ...(selinux === undefined ? {} : { selinux }),
    unmaskedProc: own.procMount === 'Unmasked',
  };
}

function userText(user: number, group: number | undefined): string {
  return group === undefined ? String(user) : `${user}:${group}`;
}

function seccompText(profile: DeepReadonly<SeccompProfile> | undefined, root: string): string | undefined {
  switch (profile?.type) {
    case 'Unconfined':
      return 'unconfined';
    case 'RuntimeDefault':
      return 'runtime/default';
    case 'Localhost':
      return path.join(root, path.normalize(`/${profile.localhostProfile ?? ''}`));
    default:
      return undefined;
  }
}

/** Refuses what would run as root in spite of `runAsNonRoot`. */
export function verifyRunAsNonRoot(pod: PodObject, container: ContainerSpec, image: ImageStatus | undefined): void {
  const own = container.securityContext;
  const shared = pod.spec?.securityContext;
  if ((own?.runAsNonRoot ?? shared?.runAsNonRoot) !== true) return;
  const where = `(pod: ${goQuote(podText(pod))}, container: ${container.name})`;
  const user = own?.runAsUser ?? shared?.runAsUser;
  if (user !== undefined) {
    if (user === 0) throw configError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image === undefined) return;
  if (image.username !== undefined && image.username !== '') {
    const name = image.username;
    throw configError(
      `container has runAsNonRoot and image has non-numeric user (${name}), cannot verify user is non-root ${where}`,
    );
  }
  if (image.uid === undefined || image.uid === 0) {
    throw configError(`container has runAsNonRoot and image will run as root ${where}`);
  }
}
