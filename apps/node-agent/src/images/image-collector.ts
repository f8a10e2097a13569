import { type Clock, type Timer } from '#machinery';
import { type ContainerRuntime, type GarbagePolicy, type ImageCollection } from '#runtime';
import { type Logger } from '#telemetry';

/** As the kubelet: `ImageGCPeriod`. */
const periodMs = 5 * 60_000;

export interface ImageCollectorOptions {
  readonly runtime: Pick<ContainerRuntime, 'collectImages'>;
  readonly policy: GarbagePolicy;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the node. */
  readonly event: (type: 'Warning', reason: string, message: string) => void;
}

/** Looks every five minutes whether the disk of images is too full, and has the runtime make room; tells with the kubelet's events when that fails. */
export class ImageCollector {
  private timer: Timer | undefined;
  private collecting: Promise<void> | undefined;
  private hasFailed = false;
  private isStopped = false;

  constructor(private readonly options: ImageCollectorOptions) {}

  /** A high threshold of 100 % turns it off. */
  start(): void {
    if (this.options.policy.highThresholdPercent >= 100) return;
    this.collecting = this.collect().finally(() => {
      if (!this.isStopped) this.timer = this.options.clock.setTimer(periodMs, () => this.start());
    });
  }

  /** Resolves when nothing is removed any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    await this.collecting;
  }

  private async collect(): Promise<void> {
    const { runtime, policy, logger, event } = this.options;
    try {
      const collection = await runtime.collectImages(policy);
      if (collection !== undefined) this.judge(collection);
      this.hasFailed = false;
    } catch (error) {
      logger.error({ err: error }, 'image garbage collection failed');
      // The first time need not mean much; upstream tells of the second.
      if (this.hasFailed) event('Warning', 'ImageGCFailed', error instanceof Error ? error.message : String(error));
      this.hasFailed = true;
    }
  }

  /** @throws Error in the kubelet's words if there is too little room still */
  private judge({ disk, wantedBytes, freedBytes, images }: ImageCollection): void {
    const { event, logger } = this.options;
    if (disk.capacityBytes === 0) {
      const message = 'invalid capacity 0 on image filesystem';
      event('Warning', 'InvalidDiskCapacity', message);
      throw new Error(message);
    }
    if (images.length > 0) logger.info({ images, freedBytes }, 'removed images that nobody uses');
    if (freedBytes >= wantedBytes) return;
    const used = 100 - Math.floor((disk.availableBytes * 100) / disk.capacityBytes);
    const message =
      `Insufficient free disk space on the node's image filesystem (${used}% of ${binarySize(disk.capacityBytes)} used). ` +
      `Failed to free sufficient space by deleting unused images (freed ${freedBytes} bytes). ` +
      'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.';
    event('Warning', 'FreeDiskSpaceFailed', message);
    throw new Error(message);
  }
}

function binarySize(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return power === 0 ? `${bytes} bytes` : `${(bytes / 2 ** (10 * power)).toFixed(1)} ${units[power]}`;
}
