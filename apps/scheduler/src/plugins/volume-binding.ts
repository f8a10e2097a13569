import { type PersistentVolumeClaim } from '#api';
import { type DeepReadonly, goQuote } from '#machinery';
import { type FilterPlugin, type Snapshot, unresolvable } from '../framework';
import { type PodInfo } from '../pod-info';

const UNBOUND = 'pod has unbound immediate PersistentVolumeClaims';
const NO_VOLUME = unresolvable("node(s) didn't find available persistent volumes to bind");
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';

type Claim = DeepReadonly<PersistentVolumeClaim>;

interface Wanted {
  readonly name: string;
  /** Made for the pod, and named after it. */
  readonly isEphemeral: boolean;
  readonly claim: Claim | undefined;
}

/**
 * Keeps a pod from running before its claims are bound. Claims of classes that wait for their first consumer wait for ever: nothing
 * here makes or chooses volumes for a node yet.
 */
export const volumeBinding: FilterPlugin = {
  name: 'VolumeBinding',

  rejectPod(pod, snapshot) {
    const wanted = claimsOf(pod, snapshot);
    for (const one of wanted) {
      const unusable = whyUnusable(one);
      if (unusable !== undefined) return unusable;
    }
    return wanted.some(({ claim }) => !isBound(claim) && !waitsForConsumer(claim, snapshot)) ? UNBOUND : undefined;
  },

  prepareFilter(pod, snapshot) {
    return claimsOf(pod, snapshot).some(({ claim }) => !isBound(claim)) ? () => NO_VOLUME : undefined;
  },
};

function claimsOf({ pod, namespace }: PodInfo, { volumes }: Snapshot): Wanted[] {
  return (pod.spec?.volumes ?? []).flatMap((volume): Wanted[] => {
    const isEphemeral = volume.ephemeral !== undefined;
    const name = isEphemeral ? `${pod.metadata?.name ?? ''}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
    return name === undefined ? [] : [{ name, isEphemeral, claim: volumes.claim(namespace, name) }];
  });
}

function whyUnusable({ name, isEphemeral, claim }: Wanted): string | undefined {
  const text = `persistentvolumeclaim ${goQuote(name)}`;
  if (claim === undefined)
    return isEphemeral ? `waiting for ephemeral volume controller to create the ${text}` : `${text} not found`;
  if (claim.status?.phase === 'Lost')
    return `${text} bound to non-existent persistentvolume ${goQuote(claim.spec?.volumeName ?? '')}`;
  return claim.metadata?.deletionTimestamp === undefined ? undefined : `${text} is being deleted`;
}

/** Both sides of the binding are written. */
function isBound(claim: Claim | undefined): boolean {
  return (claim?.spec?.volumeName ?? '') !== '' && claim?.metadata?.annotations?.[BIND_COMPLETED] !== undefined;
}

function waitsForConsumer(claim: Claim | undefined, { volumes }: Snapshot): boolean {
  if ((claim?.spec?.volumeName ?? '') !== '') return false;
  return volumes.bindingMode(claim?.spec?.storageClassName ?? '') === 'WaitForFirstConsumer';
}
