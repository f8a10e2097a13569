import path from 'node:path';
import { type HardState } from '#raft';
import { type Logger } from '#telemetry';
import { ByteWriter } from '../byte-writer';
import { crc32c } from '../checksums';
import { storeErrors } from '../errors';
import { type FileSystem, isNoSpace, type StoreFile } from '../files';
import { encodeHeader, HEADER_BYTES, headerCrc, type Identity } from '../file-header';
import { appendFrame, FRAME_OVERHEAD_BYTES } from '../frame';
import { type StoreError } from '../key-value-store';
import { type Journal, type JournalBatch } from '../replication/journal';
import { RecordType, type SnapshotMark, writeEntry, writeHardState, writeSnapshotMark } from './records';
import { type RecoveredLog } from './recover';
import { type SegmentName, segmentName } from './segment';
import { SpareSegment } from './spare-segment';

export interface WalOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly identity: Identity;
  /** A segment is left for the next once it holds this much. */
  readonly segmentBytes: number;
  readonly logger?: Logger;
}

/** What a record adds to its data, at most. */
const RECORD_OVERHEAD_BYTES = FRAME_OVERHEAD_BYTES + 24;
/** What a file that was not made ready beforehand grows by: to write where there is something already spares the file system's journal. */
const GROWTH_BYTES = 256 * 1024;

/**
 * The log on disk. One write a batch, durable when it returns; calls are carried out one after the other. A batch that finds
 * no room is taken back and the log goes on; anything else that fails leaves unknown what is on disk (a failed
 * `fdatasync` may have dropped the pages: "Can applications recover from fsync failures?", Rebello et al., ATC 2020),
 * so the log is then dead.
 */
export class Wal implements Journal {
  private readonly writer = new ByteWriter(1024 * 1024);
  private readonly spare: SpareSegment;
  private segments: SegmentName[];
  private file: StoreFile | undefined;
  private position = 0;
  /** Size of the file: what is behind the last batch is zero. */
  private allocated = 0;
  private crc = 0;
  private salt = 0;
  /** What is under way; undefined: nothing. */
  private turn: Promise<void> | undefined;
  private failure: StoreError | undefined;

  private hardState: HardState;
  private lastIndex: number;

  private constructor(
    private readonly options: WalOptions,
    recovered: RecoveredLog,
    names: readonly string[],
  ) {
    this.segments = [...recovered.segments];
    this.hardState = recovered.hardState;
    this.lastIndex = recovered.lastIndex;
    this.spare = new SpareSegment(options.files, options.directory, options.segmentBytes, names, options.logger);
  }

  /** Continues what was recovered, and cuts a torn tail off. What was read is durable once this resolves, if its writer was killed, too. */
  static async open(options: WalOptions, recovered: RecoveredLog): Promise<Wal> {
    const { files, directory } = options;
    const names = await files.list(directory);
    for (const name of names) if (name.endsWith('.tmp')) await files.remove(path.join(directory, name));
    const wal = new Wal(options, recovered, names);
    try {
      if (recovered.last === undefined) await wal.startSegment(0);
      else await wal.continueSegment(recovered);
    } catch (error) {
      await wal.file?.close();
      throw error;
    }
    return wal;
  }

  save({ snapshot, entries, hardState = this.hardState }: JournalBatch): Promise<void> {
    return this.exclusively(async () => {
      let bytes = 3 * RECORD_OVERHEAD_BYTES;
      for (const { data } of entries) bytes += data.length + RECORD_OVERHEAD_BYTES;
      await this.writeBatch(bytes, (add) => {
        if (snapshot !== undefined) add(RecordType.snapshotMark, (writer) => writeSnapshotMark(writer, snapshot));
        for (const entry of entries) add(RecordType.entry, (writer) => writeEntry(writer, entry));
        // Last, since it may say that these entries are committed.
        add(RecordType.hardState, (writer) => writeHardState(writer, hardState));
      });
      this.hardState = hardState;
      this.lastIndex = entries.at(-1)?.index ?? snapshot?.index ?? this.lastIndex;
    });
  }

  /** Notes that everything before is durable, so that the next start takes no damage for a write cut short. */
  seal(commit = 0): Promise<void> {
    const { hardState } = this;
    return this.save({ entries: [], hardState: { ...hardState, commit: Math.max(hardState.commit, commit) } });
  }

  /** A snapshot is durable: says so, and gives up the segments that hold nothing newer. */
  async mark(mark: SnapshotMark): Promise<void> {
    await this.exclusively(async () => {
      await this.writeBatch(RECORD_OVERHEAD_BYTES, (add) => {
        add(RecordType.snapshotMark, (writer) => writeSnapshotMark(writer, mark));
      });
    });
    return this.release(mark.index);
  }

  /** Gives up the segments that hold nothing behind an entry: a later one, or one that came in its place, says all that counts. */
  release(index: number): Promise<void> {
    return this.exclusively(async () => {
      while (this.segments.length > 1 && this.segments[1]!.firstIndex <= index + 1) {
        await this.spare.recycle(path.join(this.options.directory, this.segments[0]!.name));
        this.segments.shift();
      }
    });
  }

  /** @param commit as far as is known */
  async close(commit?: number): Promise<void> {
    try {
      if (this.failure === undefined) await this.seal(commit);
    } finally {
      await this.turn;
      await this.spare.settled();
      await this.file?.close();
      this.file = undefined;
      this.failure ??= storeErrors.stopped();
    }
  }

  private async continueSegment({ segments, last }: RecoveredLog): Promise<void> {
    const { files, directory, logger } = this.options;
    const name = path.join(directory, segments.at(-1)!.name);
    this.file = await files.open(name, 'write', true);
    if (last!.tornBytes > 0) {
      logger?.warn({ file: name, offset: last!.end, bytes: last!.tornBytes }, 'cut off a write that was interrupted');
      await this.file.truncate(last!.end);
    }
    // What this member writes now says nothing of what another process was writing here when it was killed.
    await this.file.datasync();
    this.allocated = await this.file.size();
    this.position = last!.end;
    this.crc = last!.crc;
    this.salt = last!.salt;
  }

  private async writeBatch(
    estimate: number,
    build: (add: (type: number, body: (writer: ByteWriter) => void) => void) => void,
  ): Promise<void> {
    const { segmentBytes } = this.options;
    if (this.position > HEADER_BYTES && this.position + estimate > segmentBytes) await this.startSegment(this.crc);
    this.writer.reset();
    let crc = this.crc;
    const add = (type: number, body: (writer: ByteWriter) => void): void => {
      const after = { crc, salt: this.salt, checksum: crc32c };
      crc = appendFrame(this.writer, { type, isFirstOfBatch: this.writer.length === 0, after }, body);
    };
    // Older segments may go at any time: each says the newest hard state itself.
    if (this.position === HEADER_BYTES) add(RecordType.hardState, (writer) => writeHardState(writer, this.hardState));
    build(add);
    const end = this.position + this.writer.length;
    const isOutgrown = end > this.allocated && end < segmentBytes;
    await this.writeDurably(this.writer.view(), isOutgrown ? Math.min(GROWTH_BYTES, segmentBytes - end) : 0);
    this.position = end;
    this.crc = crc;
    if (this.position > segmentBytes / 2) this.spare.prepare();
  }

  /** @param batch followed by zeros, if they fit as well */
  private async writeDurably(batch: Buffer, zeros: number): Promise<void> {
    const file = this.file!;
    try {
      await file.write(zeros === 0 ? batch : Buffer.concat([batch], batch.length + zeros), this.position);
    } catch (error) {
      if (!isNoSpace(error)) throw this.fail('writing', error);
      await this.takeBack(file);
      if (zeros > 0) return this.writeDurably(batch, 0);
      throw storeErrors.noSpace(`no room for the log in ${this.options.directory}`);
    }
    this.allocated = Math.max(this.allocated, this.position + batch.length + zeros);
  }

  /** What was refused must not come back after a restart. */
  private async takeBack(file: StoreFile): Promise<void> {
    try {
      await file.truncate(this.position);
      await file.datasync();
    } catch (error) {
      throw this.fail('truncating', error);
    }
    this.allocated = this.position;
  }

  /** Makes the next segment durable, header and name, before the first record goes there. */
  private async startSegment(previousCrc: number): Promise<void> {
    const { files, directory, identity } = this.options;
    const next = segmentName((this.segments.at(-1)?.sequence ?? 0) + 1, this.lastIndex + 1);
    const header = encodeHeader('log', {
      clusterId: identity.clusterId,
      memberId: identity.memberId,
      position: BigInt(next.sequence),
      detail: BigInt(next.firstIndex),
      previousCrc,
    });
    const spare = this.spare.take();
    const source = spare ?? path.join(directory, 'next.tmp');
    let file: StoreFile | undefined;
    try {
      file = await files.open(source, spare === undefined ? 'create' : 'write', true);
      await file.write(header, 0);
      this.allocated = await file.size();
      await files.rename(source, path.join(directory, next.name));
      await files.syncDirectory(directory);
    } catch (error) {
      await file?.close();
      // A leftover `next.tmp` or spare is overwritten by the next attempt.
      if (isNoSpace(error)) throw storeErrors.noSpace(`no room for another log segment in ${directory}`);
      throw this.fail('starting a segment in', error);
    }
    await this.file?.close();
    this.file = file;
    this.segments.push(next);
    this.position = HEADER_BYTES;
    this.crc = headerCrc(header);
    this.salt = this.crc;
  }

  private fail(what: string, error: unknown): StoreError {
    const name = this.segments.at(-1)?.name;
    const where = name === undefined ? this.options.directory : path.join(this.options.directory, name);
    const reason = error instanceof Error ? error.message : String(error);
    this.failure = storeErrors.failed(`${what} ${where} failed: ${reason}`);
    return this.failure;
  }

  /** Begins at once if nothing is under way: the disk is to be busy before its caller turns to something else. */
  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const begin = async (): Promise<T> => {
      if (this.failure !== undefined) throw this.failure;
      return work();
    };
    const result = this.turn === undefined ? begin() : this.turn.then(begin);
    const settled = (): void => {
      if (this.turn === turn) this.turn = undefined;
    };
    const turn = result.then(settled, settled);
    this.turn = turn;
    return result;
  }
}
