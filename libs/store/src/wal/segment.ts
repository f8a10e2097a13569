import { storeErrors } from '../errors';
import { decodeHeader, type FileHeader, HEADER_BYTES, headerCrc } from '../file-header';
import { type Chain, type Frame, isBatchStart, readFrame } from '../frame';

/** `<number>-<index of its first entry>.wal`, in hexadecimal, so that names sort as the log goes. */
export interface SegmentName {
  readonly name: string;
  readonly sequence: number;
  readonly firstIndex: number;
}

const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

export function segmentName(sequence: number, firstIndex: number): SegmentName {
  const hex = (value: number): string => value.toString(16).padStart(16, '0');
  return { name: `${hex(sequence)}-${hex(firstIndex)}.wal`, sequence, firstIndex };
}

/** The segments among `names`, in order. */
export function parseSegmentNames(names: readonly string[]): SegmentName[] {
  const segments: SegmentName[] = [];
  for (const name of names) {
    const match = NAME.exec(name);
    if (match) segments.push({ name, sequence: parseInt(match[1]!, 16), firstIndex: parseInt(match[2]!, 16) });
  }
  return segments.sort((a, b) => a.sequence - b.sequence);
}

export interface ScannedSegment {
  readonly header: FileHeader;
  /** Offset behind the last intact record. */
  readonly end: number;
  /** The last record's CRC (the header's, if there is none), which the next one continues. */
  readonly crc: number;
  readonly salt: number;
  /** Bytes behind `end` that are a write cut short; 0 if there is only zero preallocation. */
  readonly tornBytes: number;
}

/**
 * Reads a segment's records. A record that does not check is forgiven in one case only: the segment is the log's last,
 * and no batch was written after it. Each batch starts with a mark saying that all before it was durable; so damage
 * before such a mark is damage to acknowledged writes, and the log is refused.
 *
 * @throws StoreError `corrupt` with file and offset
 */
export function scanSegment(
  file: string,
  data: Buffer,
  isLast: boolean,
  onRecord: (frame: Frame, offset: number) => void,
): ScannedSegment {
  const header = decodeHeader('log', file, data);
  const { checksum } = header;
  const salt = headerCrc(data);
  let crc = salt;
  let end = HEADER_BYTES;
  for (;;) {
    const frame = readFrame(data, end, { crc, salt, checksum });
    if (frame === undefined) break;
    onRecord(frame, end);
    crc = frame.crc;
    end = frame.end;
  }
  const tornBytes = isZero(data, end) ? 0 : data.length - end;
  if (tornBytes > 0) checkTail(file, data, { end, salt, checksum, isLast });
  return { header, end, crc, salt, tornBytes };
}

function checkTail(
  file: string,
  data: Buffer,
  tail: Pick<Chain, 'salt' | 'checksum'> & { end: number; isLast: boolean },
): void {
  if (!tail.isLast) throw storeErrors.corrupt(file, tail.end, 'a record does not match its checksum');
  for (let offset = tail.end + 1; offset + 5 <= data.length; offset++) {
    if (!isBatchStart(data, offset, tail)) continue;
    const reason = `a record does not match its checksum, and durable records follow it at offset ${offset}`;
    throw storeErrors.corrupt(file, tail.end, reason);
  }
}

const ZEROS = Buffer.alloc(64 * 1024);

function isZero(data: Buffer, start: number): boolean {
  for (let at = start; at < data.length; at += ZEROS.length) {
    const length = Math.min(ZEROS.length, data.length - at);
    if (data.compare(ZEROS, 0, length, at, at + length) !== 0) return false;
  }
  return true;
}
