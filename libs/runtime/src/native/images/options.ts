import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { type DiskUsage } from '../../container-runtime';
import { type DevicePolicy } from './layers/layer-writer';
import { type Platform } from './registry/platform';
import { type RegistryConfig } from './registry/endpoints';

/** What an image may cost, whoever made it. */
export interface ImageLimits {
  /** Of a layer when unpacked, sparse files with their whole size. */
  readonly layerBytes: number;
  readonly layerEntries: number;
  /** A layer's size unpacked to its size packed; looked at from 64 MiB on. */
  readonly ratio: number;
  readonly layers: number;
}

export const defaultLimits: ImageLimits = {
  layerBytes: 64 * 2 ** 30,
  layerEntries: 1_000_000,
  ratio: 200,
  // overlayfs takes 500, Docker makes 125.
  layers: 127,
};

/** Runs `work` while no other process of this machine runs any with the same name: `withHostMutex`. */
export type Mutex = <T>(name: string, work: () => Promise<T>) => Promise<T>;

export interface ImageStoreOptions {
  /** Everything is below it; made with mode 0700. One file system, as files are moved within it. */
  readonly directory: string;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly mutex: Mutex;
  /** Absent: this machine's. */
  readonly platform?: Platform;
  /** By the registry's name in references, as `docker.io` or `registry.example:5000`. */
  readonly registries?: Readonly<Record<string, RegistryConfig>>;
  readonly limits?: Partial<ImageLimits>;
  /** Absent: `ignore`. */
  readonly devices?: DevicePolicy;
  /** How full the disk of the directory is. Absent: what the kernel says. */
  readonly disk?: () => Promise<DiskUsage>;
  /** False: what was just pulled may be lost or, worse, empty after a power failure. For tests. Absent: true. */
  readonly isDurable?: boolean;
}
