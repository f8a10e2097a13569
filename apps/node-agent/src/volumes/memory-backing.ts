import { type Logger } from '#telemetry';
import { isMountPoint, mount } from './mounts';

/**
 * Keeps what is secret off the disk: a tmpfs at the directory of each volume with content from the API but for ConfigMaps, as the kubelet has it. The
 * mount is the only record: an agent that was killed finds it again. Where this process may not mount, files are on disk, and that is said once.
 */
export class MemoryBacking {
  private isRefused = process.getuid?.() !== 0;

  constructor(
    private readonly logger: Logger,
    private readonly mountTmpfs: (directory: string) => Promise<void> = (directory) =>
      mount('tmpfs', directory, { type: 'tmpfs', options: ['mode=0777'] }),
  ) {}

  /** The directory exists. Not for concurrent calls with the same one. */
  async ensure(directory: string): Promise<void> {
    if (this.isRefused || (await isMountPoint(directory))) return;
    try {
      await this.mountTmpfs(directory);
    } catch (error) {
      this.isRefused = true;
      this.logger.warn({ err: error }, 'cannot mount: secrets of pods are kept on disk');
    }
  }
}
