import { type ContainerKind, type ContainerSpec, type PodObject } from './pod-containers';

/** Whether a container that ended with `exitCode` is to be run again (KEP-753, KEP-5307). */
export function shouldRestart(pod: PodObject, spec: ContainerSpec, kind: ContainerKind, exitCode: number): boolean {
  if (kind === 'ephemeral') return false;
  if (kind === 'sidecar') return true;
  for (const { action, exitCodes } of spec.restartPolicyRules ?? []) {
    const isListed = exitCodes?.values?.includes(exitCode) ?? false;
    const matches = exitCodes?.operator === 'NotIn' ? !isListed : isListed;
    if (matches) return action === 'Restart';
  }
  const policy = spec.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  if (policy === 'Never') return false;
  // An init container that succeeded is done, whatever the policy.
  if (policy === 'OnFailure' || kind === 'init') return exitCode !== 0;
  return true;
}
