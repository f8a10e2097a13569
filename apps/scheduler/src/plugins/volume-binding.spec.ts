import { type PersistentVolumeClaim } from '#api';
import { pod } from '#testing';
import { type Snapshot } from '../framework';
import { NodeInfo } from '../node-info';
import { podInfo } from '../pod-info';
import { volumeBinding } from './volume-binding';

const claim = (change: Partial<PersistentVolumeClaim>): PersistentVolumeClaim => ({
  metadata: { namespace: 'default', name: 'data' },
  ...change,
});

/** What the plugin says of a pod with one claim: about all nodes, and about one. */
function decide(found: PersistentVolumeClaim | undefined, isEphemeral = false): (string | undefined)[] {
  const snapshot = {
    volumes: {
      claim: () => found,
      bindingMode: (name: string) => (name === 'late' ? 'WaitForFirstConsumer' : undefined),
    },
  } as unknown as Snapshot;
  const volume = isEphemeral
    ? { name: 'data', ephemeral: {} }
    : { name: 'data', persistentVolumeClaim: { claimName: 'data' } };
  const info = podInfo(
    pod('a')
      .with((object) => (object.spec!.volumes = [volume]))
      .build(),
  );
  const filter = volumeBinding.prepareFilter(info, snapshot);
  return [volumeBinding.rejectPod?.(info, snapshot), filter?.(new NodeInfo('n1'))?.reasons.join()];
}

const unbound = 'pod has unbound immediate PersistentVolumeClaims';
const noVolume = "node(s) didn't find available persistent volumes to bind";

describe('volume binding', () => {
  it.each<[string, ReturnType<typeof decide>, string | undefined, string?]>([
    ['a claim that is not there', decide(undefined), 'persistentvolumeclaim "data" not found', noVolume],
    [
      'a claim that is still to be made for the pod',
      decide(undefined, true),
      'waiting for ephemeral volume controller to create the persistentvolumeclaim "a-data"',
      noVolume,
    ],
    [
      'a claim that lost its volume',
      decide(claim({ spec: { volumeName: 'pv' }, status: { phase: 'Lost' } })),
      'persistentvolumeclaim "data" bound to non-existent persistentvolume "pv"',
      noVolume,
    ],
    [
      'a claim that goes away',
      decide(claim({ metadata: { name: 'data', deletionTimestamp: '2026-01-01T00:00:00Z' } })),
      'persistentvolumeclaim "data" is being deleted',
      noVolume,
    ],
    ['an unbound claim', decide(claim({ spec: {} })), unbound, noVolume],
    ['an unbound claim of an unknown class', decide(claim({ spec: { storageClassName: 'x' } })), unbound, noVolume],
    ['a claim half bound', decide(claim({ spec: { volumeName: 'pv', storageClassName: 'late' } })), unbound, noVolume],
    ['a claim that waits for its consumer', decide(claim({ spec: { storageClassName: 'late' } })), undefined, noVolume],
    [
      'a bound claim',
      decide(
        claim({
          metadata: { name: 'data', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
          spec: { volumeName: 'pv' },
        }),
      ),
      undefined,
      undefined,
    ],
  ])('judges %s', (_, decision, everywhere, here) => {
    expect(decision).toEqual([everywhere, here]);
  });
});
