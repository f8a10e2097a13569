import { type Logger } from '#telemetry';
import { type FileSystem } from '../files';
import { type Identity } from '../file-header';
import { type StateMachine } from '../state-machine';
import { type SnapshotMark } from '../wal/records';
import { listSnapshots } from './snapshot-file';
import { takePicture } from './snapshot-sections';
import { writeSnapshot } from './write-snapshot';

export interface SnapshotterOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly identity: Identity;
  readonly machine: StateMachine;
  /** A snapshot is due after so many bytes of log, but not before the log has grown half as large as the last snapshot. */
  readonly everyBytes: number;
  readonly logger?: Logger;
}

/** Decides when a snapshot is due and writes it while the store goes on. Failing, it tries again after as much log again. */
export class Snapshotter {
  private bytesSince: number;
  private lastBytes: number;
  private work: Promise<void> | undefined;
  private isStopped = false;

  /**
   * @param hold keeps compaction off while a picture is in use; returns the release
   * @param onDurable the log may drop what the snapshot contains
   */
  constructor(
    private readonly options: SnapshotterOptions,
    start: { readonly logBytes: number; readonly snapshotBytes: number },
    private readonly hold: () => () => void,
    private readonly onDurable: (mark: SnapshotMark) => Promise<void>,
  ) {
    this.bytesSince = start.logBytes;
    this.lastBytes = start.snapshotBytes;
  }

  /** So many bytes of log have been applied. */
  grew(bytes: number): void {
    this.bytesSince += bytes;
    const isDue = this.bytesSince >= Math.max(this.options.everyBytes, this.lastBytes / 2);
    if (isDue && this.work === undefined) void this.snapshot();
  }

  /** Another member's snapshot has become the state: the log and the snapshots before it are not needed. */
  adopted(
    snapshot: { readonly index: number; readonly bytes: number },
    release: (index: number) => Promise<void>,
  ): void {
    this.bytesSince = 0;
    this.lastBytes = snapshot.bytes;
    const clean = async (): Promise<void> => {
      await release(snapshot.index);
      await this.removeBefore(snapshot.index);
    };
    const before = this.work ?? Promise.resolve();
    void this.track(
      before
        .then(clean)
        .catch((err: unknown) => this.options.logger?.warn({ err }, 'what a snapshot replaces was not removed')),
    );
  }

  /** Takes one now, or joins the one being written. Never rejects. */
  snapshot(): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    return this.work ?? this.track(this.run());
  }

  /** Gives up a snapshot that is being written. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.work;
  }

  /** What is to be waited for, until it is done or something waits for it in turn. */
  private track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => {
      if (this.work === tracked) this.work = undefined;
    });
    return (this.work = tracked);
  }

  private async run(): Promise<void> {
    const { files, directory, identity, machine, logger } = this.options;
    const release = this.hold();
    try {
      const picture = takePicture(machine);
      this.bytesSince = 0;
      const bytes = await writeSnapshot(files, directory, identity, picture, () => this.isStopped);
      if (bytes === undefined) return;
      await this.onDurable({ index: picture.index, term: picture.term });
      this.lastBytes = bytes;
      await this.removeBefore(picture.index);
      logger?.debug({ index: picture.index, bytes }, 'snapshot taken');
    } catch (err) {
      logger?.warn({ err, directory }, 'no snapshot: the log is kept until one succeeds');
    } finally {
      release();
    }
  }

  private async removeBefore(newest: number): Promise<void> {
    const { files, directory } = this.options;
    for (const { index, file } of await listSnapshots(files, directory)) if (index < newest) await files.remove(file);
  }
}
