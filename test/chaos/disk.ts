import fs from 'node:fs';
import path from 'node:path';
import { type Random } from '#testing';

/** What was where a file was written, until that is durable. */
interface Note {
  readonly inode: number;
  readonly position: number;
  /** Of what was written, or cut off. */
  readonly length: number;
  /** Of the file, before. */
  readonly size: number;
  /** Base64. */
  readonly old: string;
}

/**
 * A member's disk, which can be slow, break, and lose power. It stands in the member's process, before its program (`disk-preload.cjs`), and
 * does what a file tells it.
 */
export class Disk {
  private readonly control: string;
  private readonly notes: string;

  /** @param directory for what the disk is told, and remembers; elsewhere than what is stored on it */
  constructor(directory: string) {
    this.control = path.join(directory, 'disk');
    this.notes = `${this.control}-unsynced`;
  }

  /** What a program of Node's has to be started with. */
  static readonly preload = ['--require', path.join(__dirname, 'disk-preload.cjs')] as const;

  get env(): Record<string, string> {
    return { CHAOS_DISK: this.control };
  }

  /** From now on nothing is durable before so long. */
  slow(delayMs: number): void {
    this.tell({ delayMs });
  }

  /** From now on everything is written, nobody knows what of it is durable, and whoever asks hears of an error. */
  break(): void {
    this.tell({ error: 'EIO' });
  }

  heal(): void {
    fs.rmSync(this.control, { force: true });
  }

  /** To be called while nobody uses it: of each file, what was written last and is not known to be durable is lost, all or a part of it. */
  losePower(directory: string, random: Random): void {
    if (!fs.existsSync(this.notes)) return;
    const files = filesByInode(directory);
    const notes = new Map<number, Note[]>();
    for (const name of fs.readdirSync(this.notes).sort()) {
      const text = fs.readFileSync(path.join(this.notes, name), 'utf8');
      fs.rmSync(path.join(this.notes, name));
      // Its writer was killed before it wrote anything else.
      if (text === '') continue;
      const note = JSON.parse(text) as Note;
      notes.set(note.inode, [...(notes.get(note.inode) ?? []), note]);
    }
    for (const [inode, own] of notes) {
      const file = files.get(inode);
      if (file === undefined) continue;
      const lost = own.slice(random.chance(0.8) ? 0 : random.between(0, own.length));
      for (const note of lost.reverse()) undo(file, note);
    }
  }

  private tell(orders: { readonly delayMs?: number; readonly error?: string }): void {
    // In one step: it may be read at any time.
    fs.writeFileSync(`${this.control}.new`, JSON.stringify(orders));
    fs.renameSync(`${this.control}.new`, this.control);
  }
}

function undo(file: string, { position, length, size, old }: Note): void {
  const descriptor = fs.openSync(file, 'r+');
  try {
    const content = Buffer.alloc(length);
    Buffer.from(old, 'base64').copy(content);
    // What was written behind it since is durable, or was undone before.
    const isLast = fs.fstatSync(descriptor).size <= Math.max(size, position + length);
    fs.writeSync(descriptor, content, 0, content.length, position);
    if (isLast) fs.ftruncateSync(descriptor, size);
  } finally {
    fs.closeSync(descriptor);
  }
}

function filesByInode(directory: string): Map<number, string> {
  const entries = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [fs.statSync(file).ino, file]));
}
