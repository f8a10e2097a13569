import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** An image in pieces, as a registry has them. */
export interface MadeImage {
  readonly manifest: Buffer;
  readonly config: Buffer;
  /** Packed, the lowest first. */
  readonly layers: readonly Buffer[];
}

export type LayerEntry = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

export function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

export function descriptorOf(mediaType: string, content: Buffer) {
  return { mediaType, digest: digestOf(content), size: content.length };
}

export async function makeTar(entries: readonly LayerEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of entries) archive.entry(header, Buffer.from(content));
  archive.finalize();
  return buffer(archive as AsyncIterable<Buffer>);
}

export async function makeImage(
  layers: readonly (readonly LayerEntry[])[],
  config: Readonly<Record<string, unknown>> = {},
): Promise<MadeImage> {
  return imageOf(await Promise.all(layers.map(makeTar)), config);
}

export function imageOf(tars: readonly Buffer[], config: Readonly<Record<string, unknown>> = {}): MadeImage {
  const body = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      config,
      rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
    }),
  );
  const packed = tars.map((archive) => gzipSync(archive));
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptorOf(mediaTypes.config, body),
    layers: packed.map((layer) => descriptorOf(mediaTypes.layer, layer)),
  };
  return { manifest: Buffer.from(JSON.stringify(manifest)), config: body, layers: packed };
}
