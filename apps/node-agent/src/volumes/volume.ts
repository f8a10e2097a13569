import { type Volume } from '#api';
import { type ObjectClient } from '#client';
import { type Clock, type DeepReadonly } from '#machinery';
import { type Allocatable, type PodAddresses } from '../containers/downward';
import { type ObjectReader } from '../containers/object-reader';
import { type PodObject } from '../pods/pod-containers';
import { type MemoryBacking } from './memory-backing';

export type VolumeSpec = DeepReadonly<Volume>;

/** A volume that is ready to be mounted into containers. */
export interface MountedVolume {
  readonly hostPath: string;
  /** Whatever the mounts say. */
  readonly isReadOnly: boolean;
  /** When the content must be made again (a token that expires), wall-clock milliseconds. */
  readonly refreshAt?: number;
}

export interface VolumeContext {
  readonly pod: PodObject;
  readonly volume: VolumeSpec;
  /** `<pods>/<uid>`, which exists. */
  readonly podDirectory: string;
  readonly addresses: PodAddresses;
  /** When the content was made last, and what it needs then; undefined: never. */
  readonly previous?: MountedVolume;
}

/** What volume types work with. */
export interface VolumeServices {
  readonly client: ObjectClient;
  readonly objects: ObjectReader;
  readonly clock: Clock;
  readonly allocatable: () => Allocatable;
  /** Absent: everything is on disk. */
  readonly memory?: MemoryBacking;
}

/** One type of volume. Methods are idempotent and reject with an `Error` whose message is fit for a FailedMount event. */
export interface VolumePlugin {
  /** `kubernetes.io~configmap`: the folder of the pod's directory that its volumes are in. */
  readonly folder: string;
  handles(volume: VolumeSpec): boolean;
  setUp(context: VolumeContext): Promise<MountedVolume>;
  /** Its content follows the API: `setUp` is repeated while the pod runs. */
  readonly isLive: boolean;
}

export class VolumeError extends Error {
  override readonly name = 'VolumeError';

  constructor(
    readonly volume: string,
    message: string,
  ) {
    super(message);
  }
}
