/** What a test writes into an archive; names are bytes as characters (latin1). Nothing is checked: archives may be as hostile as they like. */
export interface Entry {
  readonly name: string;
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly link?: string;
  readonly content?: string | Buffer;
  readonly device?: readonly [major: number, minor: number];
  /** Records of an extended header in front. */
  readonly pax?: readonly (readonly [key: string, value: string | Buffer])[];
}

export function tar(...entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocksOf), Buffer.alloc(1024)]);
}

export const file = (name: string, content: string | Buffer = 'x', more: Partial<Entry> = {}): Entry => ({
  name,
  content,
  ...more,
});
export const directory = (name: string, more: Partial<Entry> = {}): Entry => ({
  name,
  type: '5',
  mode: 0o755,
  ...more,
});
export const symlink = (name: string, link: string): Entry => ({ name, type: '2', link, mode: 0o777 });
export const hardlink = (name: string, link: string): Entry => ({ name, type: '1', link });

function blocksOf(entry: Entry): Buffer[] {
  const content = Buffer.from(entry.content ?? '');
  const body = [header(entry, content.length), content, padding(content.length)];
  if (entry.pax === undefined) return body;
  const records = Buffer.concat(entry.pax.map(([key, value]) => paxRecord(key, Buffer.from(value))));
  return [header({ name: 'pax', type: 'x' }, records.length), records, padding(records.length), ...body];
}

export function header(entry: Entry, size: number): Buffer {
  const { name, type = '0', mode = 0o644, uid = 0, gid = 0, mtime = 1_600_000_000, link = '', device = [0, 0] } = entry;
  const block = Buffer.alloc(512);
  block.write(name.slice(0, 100), 0, 'latin1');
  const octal = (value: number, at: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  block.write(type, 156, 'latin1');
  block.write(link.slice(0, 100), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(device[0], 329, 8);
  octal(device[1], 337, 8);
  return withChecksum(block);
}

export function withChecksum(block: Buffer): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (`${length}`.length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}

function padding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

/** In pieces of that size, as a connection might deliver it. */
export async function* inPieces(content: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}
