import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type Header, pack as createPack, type Pack } from 'tar-stream';
import { type Architecture } from './pause-program';

/** An entry of an image's only layer; paths are absolute. */
export type ImageFile =
  | { readonly path: string; readonly mode: number; readonly content: Buffer; readonly owner?: number }
  | { readonly path: string; readonly mode: number; readonly source: string; readonly size: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly mode: number; readonly isDirectory: true; readonly owner?: number };

export interface LocalImage {
  readonly architecture: Architecture;
  readonly tags: readonly string[];
  readonly files: readonly ImageFile[];
  /** Of the image's configuration: Entrypoint, Cmd, Env, Labels … */
  readonly config: Readonly<Record<string, unknown>>;
}

const block = 512;
/** Files have no times of their own, so that the same content is the same image. */
const epoch = new Date(0);
const architectures: Readonly<Record<Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * An image as `docker save` writes it, for `POST /images/load`: layer, configuration, manifest. Large files are streamed, never held; reading fails if
 * one of them changes its size meanwhile.
 */
export function dockerArchive(image: LocalImage): Readable {
  const archive = createPack();
  writeArchive(archive, image).catch((error: Error) => archive.destroy(error));
  return Readable.from(archive as AsyncIterable<Buffer>, { objectMode: false });
}

async function writeArchive(archive: Pack, { architecture, tags, files, config }: LocalImage): Promise<void> {
  const layer = createPack();
  const hash = createHash('sha256');
  const header = { name: 'layer.tar', size: layerSize(files), mode: 0o644, mtime: epoch };
  const content = layer as AsyncIterable<Buffer>;
  await Promise.all([writeLayer(layer, files), writeEntry(archive, header, content, (chunk) => hash.update(chunk))]);
  const text = JSON.stringify({
    architecture: architectures[architecture],
    os: 'linux',
    created: epoch.toISOString(),
    config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${hash.digest('hex')}`] },
    history: [{ created: epoch.toISOString(), created_by: 'nestor' }],
  });
  const name = `${createHash('sha256').update(text).digest('hex')}.json`;
  archive.entry({ name, mode: 0o644, mtime: epoch }, text);
  archive.entry(
    { name: 'manifest.json', mode: 0o644, mtime: epoch },
    JSON.stringify([{ Config: name, RepoTags: tags, Layers: ['layer.tar'] }]),
  );
  archive.finalize();
}

async function writeLayer(layer: Pack, files: readonly ImageFile[]): Promise<void> {
  try {
    for (const file of files) {
      const header = headerOf(file);
      if ('source' in file) await writeEntry(layer, header, fs.createReadStream(file.source) as AsyncIterable<Buffer>);
      else layer.entry(header, 'content' in file ? file.content : Buffer.alloc(0));
    }
    layer.finalize();
  } catch (error) {
    layer.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Streams one entry; rejects when its content has another size than its header says. */
async function writeEntry(
  pack: Pack,
  header: EntryHeader,
  content: AsyncIterable<Buffer>,
  onChunk: (chunk: Buffer) => void = () => undefined,
): Promise<void> {
  let settle: (error?: Error | null) => void = () => undefined;
  const written = new Promise<void>((resolve, reject) => (settle = (error) => (error ? reject(error) : resolve())));
  const sink = pack.entry(header, (error) => settle(error));
  sink.on('error', (error: Error) => settle(error));
  const copy = async (): Promise<void> => {
    for await (const chunk of content) {
      onChunk(chunk);
      if (!sink.write(chunk)) await Promise.race([once(sink, 'drain'), written]);
    }
    sink.end(undefined);
  };
  await Promise.all([copy(), written]);
}

type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

function headerOf(file: ImageFile): EntryHeader {
  const name = file.path.slice(1);
  if ('linkTo' in file) return { name, type: 'symlink', linkname: file.linkTo, mode: 0o777, mtime: epoch };
  const common = { name, mode: file.mode, mtime: epoch };
  if ('source' in file) return { ...common, type: 'file', size: file.size };
  const owned = file.owner === undefined ? common : { ...common, uid: file.owner, gid: file.owner };
  return 'content' in file
    ? { ...owned, type: 'file', size: file.content.length }
    : { ...owned, type: 'directory', size: 0 };
}

/** A block of header for each, contents in whole blocks, two empty blocks at the end. Paths are short enough for a plain header. */
function layerSize(files: readonly ImageFile[]): number {
  const sizes = files.map((file) => ('source' in file ? file.size : 'content' in file ? file.content.length : 0));
  return sizes.reduce((sum, size) => sum + block + Math.ceil(size / block) * block, 2 * block);
}
