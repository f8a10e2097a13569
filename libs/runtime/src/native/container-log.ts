import { once } from 'node:events';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { type Writable } from 'node:stream';
import { type Clock, delay } from '#machinery';
import { type LogOptions } from '../container-runtime';
import { olderLogs } from './log-rotation';

interface Entry {
  /** RFC 3339 with nanoseconds, in UTC. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** With its newline, unless the line goes on in the next entry. */
  readonly text: Buffer;
}

const lookMs = 50;
const chunkBytes = 64 * 1024;
const newline = 10;

export interface LogSource {
  readonly file: string;
  readonly clock: Clock;
  /** Whether nothing will be written any more. */
  readonly isComplete: () => Promise<boolean>;
}

/** Copies a container's log, which its supervisor has written in CRI's format. A line has one timestamp, at its beginning, however it was written. */
export async function copyLog(
  source: LogSource,
  options: LogOptions,
  outputs: { readonly stdout: Writable; readonly stderr: Writable },
  signal?: AbortSignal,
): Promise<void> {
  if (isAborted(signal) || options.limitBytes === 0) return;
  let toSkip = options.tailLines === undefined ? 0 : (await countLines(source, options, signal)) - options.tailLines;
  let budget = options.limitBytes ?? Infinity;
  const isOpen = { stdout: false, stderr: false };
  try {
    for await (const { time, stream, text } of selected(source, options, signal)) {
      const isContinued = isOpen[stream];
      const endsLine = text[text.length - 1] === newline;
      isOpen[stream] = !endsLine;
      if (toSkip > 0) {
        if (endsLine) toSkip--;
        continue;
      }
      const whole = options.timestamps && !isContinued ? Buffer.concat([Buffer.from(`${time} `), text]) : text;
      const bytes = whole.subarray(0, budget);
      budget -= bytes.length;
      await write(outputs[stream], bytes, signal);
      if (budget <= 0 || isAborted(signal)) return;
    }
  } catch (error) {
    if (!isAborted(signal)) throw error;
  }
}

async function countLines(source: LogSource, options: LogOptions, signal: AbortSignal | undefined): Promise<number> {
  let count = 0;
  for await (const { text } of selected(source, { ...options, follow: false }, signal)) {
    if (text[text.length - 1] === newline) count++;
  }
  return count;
}

async function* selected(
  source: LogSource,
  { follow, since, stream = 'All' }: LogOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry> {
  for await (const line of linesOf(source, follow, signal)) {
    const entry = parseEntry(line);
    if (entry === undefined) continue;
    if (stream !== 'All' && entry.stream !== stream.toLowerCase()) continue;
    if (since === undefined || Date.parse(entry.time) >= since) yield entry;
  }
}

/** `<time> <stream> <P or F> <text>`: P is a line that goes on (CRI's logging format). Undefined: a machine that lost its power has left half a line. */
export function parseEntry(line: Buffer): Entry | undefined {
  const [time, stream, tag, start] = headOf(line);
  if (start === 0 || (stream !== 'stdout' && stream !== 'stderr')) return undefined;
  const content = line.subarray(start);
  const text = tag.startsWith('P') ? content : Buffer.concat([content, Buffer.from('\n')]);
  return { time: time.replace('+00:00', 'Z'), stream, text };
}

function headOf(line: Buffer): [string, string, string, number] {
  const fields: string[] = [];
  let start = 0;
  for (let field = 0; field < 3; field++) {
    const end = line.indexOf(' ', start);
    if (end < 0) return ['', '', '', 0];
    fields.push(line.toString('latin1', start, end));
    start = end + 1;
  }
  return [fields[0] ?? '', fields[1] ?? '', fields[2] ?? '', start];
}

/** Lines of the log and the older files before it, then of the files that take its place, however often it is rotated meanwhile. */
async function* linesOf(
  { file, clock, isComplete }: LogSource,
  follow: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const lines = new Lines();
  let current: LogFile | undefined;
  let later: LogFile[] = [];
  try {
    while (!isAborted(signal)) {
      // Asked before reading: what is complete then is all read.
      const isLast = !follow || (await isComplete());
      if (current !== undefined) yield* lines.of(current);
      later = await filesAfter(file, current?.inode);
      if (later.length === 0) {
        if (isLast) return;
        await delay(clock, lookMs, signal);
      }
      for (let next = later.shift(); next !== undefined; next = later.shift()) {
        const previous: LogFile | undefined = current;
        current = next;
        // What was written until it was replaced.
        if (previous !== undefined) yield* lines.of(previous);
        await previous?.close();
      }
    }
  } finally {
    for (const one of [...later, current]) await one?.close();
  }
}

/** The files of a log that are newer than one, by its inode; all, if that is no more. The oldest first. */
async function filesAfter(file: string, known: bigint | undefined): Promise<LogFile[]> {
  if (known !== undefined && (await inodeOf(file)) === known) return [];
  for (;;) {
    const names = [...olderLogs(file), file];
    const files: (LogFile | undefined)[] = [];
    for (const name of names) files.push(await LogFile.open(name));
    const inodes = await Promise.all(names.map(inodeOf));
    const here = files.filter((one) => one !== undefined);
    // Rotated while we opened: some would be twice, or not at all.
    const isMoved = inodes.some((inode, index) => inode !== files[index]?.inode);
    const after = isMoved ? here.length : here.findIndex(({ inode }) => inode === known) + 1;
    for (const one of here.slice(0, after)) await one.close();
    if (!isMoved) return here.slice(after);
  }
}

async function inodeOf(name: string): Promise<bigint | undefined> {
  try {
    return (await stat(name, { bigint: true })).ino;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Splits what is read into lines, without their newlines. */
class Lines {
  private rest: Buffer = Buffer.alloc(0);

  async *of(file: LogFile): AsyncGenerator<Buffer> {
    for (let chunk = await file.read(); chunk.length > 0; chunk = await file.read()) {
      const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
      let start = 0;
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
        yield bytes.subarray(start, end);
        start = end + 1;
      }
      this.rest = bytes.subarray(start);
    }
  }
}

class LogFile {
  private offset = 0;

  private constructor(
    private readonly handle: FileHandle,
    readonly inode: bigint,
  ) {}

  /** Undefined: there is none. */
  static async open(name: string): Promise<LogFile | undefined> {
    try {
      const handle = await open(name);
      return new LogFile(handle, (await handle.stat({ bigint: true })).ino);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async read(): Promise<Buffer> {
    const { bytesRead, buffer } = await this.handle.read(Buffer.alloc(chunkBytes), 0, chunkBytes, this.offset);
    this.offset += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

async function write(output: Writable, bytes: Buffer, signal: AbortSignal | undefined): Promise<void> {
  if (bytes.length === 0) return;
  if (output.destroyed) throw new Error('the reader of the log went away');
  if (!output.write(bytes)) await once(output, 'drain', signal === undefined ? {} : { signal });
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
