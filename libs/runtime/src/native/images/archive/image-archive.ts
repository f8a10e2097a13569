import { digestOf } from '../content/digest';
import {
  isIndex,
  mostConfigBytes,
  mostManifestBytes,
  parseJson,
  parseManifest,
  selectManifest,
} from '../registry/manifest';
import { type Platform } from '../registry/platform';
import { formatReference, parseReference } from '../registry/reference';
import { ContentError } from '../registry/registry-error';
import { type Spool, type SpooledFile } from './spool';

/** An image in an archive. */
export interface ArchivedImage {
  /** Normalized. */
  readonly tags: readonly string[];
  readonly config: Buffer;
  /** Packed or not, the lowest first. */
  readonly layers: readonly SpooledFile[];
}

/** The images of what `docker save` writes, or of an OCI image layout. Newer engines write both into one archive, which then tell the same. */
export async function archivedImages(spool: Spool, platform: Platform): Promise<ArchivedImage[]> {
  const manifest = spool.find('manifest.json');
  if (manifest !== undefined) return dockerImages(spool, await spool.content(manifest, mostManifestBytes));
  const index = spool.find('index.json');
  if (index !== undefined && spool.find('oci-layout') !== undefined) {
    return ociImages(spool, await spool.content(index, mostManifestBytes), platform);
  }
  throw new ContentError('it is no archive of images: it has neither manifest.json nor an OCI layout');
}

/** moby, "Image Tarball Format". */
async function dockerImages(spool: Spool, manifest: Buffer): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = [];
  for (const entry of parseArray(manifest)) {
    const { Config, RepoTags, Layers } = entry;
    if (typeof Config !== 'string' || !isStrings(Layers))
      throw new ContentError('the manifest has no configuration or layers');
    images.push({
      tags: isStrings(RepoTags) ? RepoTags.map(tagOf) : [],
      config: await spool.content(spool.get(Config), mostConfigBytes),
      layers: Layers.map((name) => spool.get(name)),
    });
  }
  return images;
}

/** OCI image specification, "Image Layout". */
async function ociImages(spool: Spool, index: Buffer, platform: Platform): Promise<ArchivedImage[]> {
  const { manifests } = parseJson(index, 'index');
  if (!Array.isArray(manifests)) throw new ContentError('the index has no manifests');
  const images: ArchivedImage[] = [];
  for (const { digest, annotations } of manifests as { digest?: unknown; annotations?: Record<string, unknown> }[]) {
    const { config, layers } = await manifestOf(spool, String(digest), platform);
    images.push({
      tags: namesIn(annotations ?? {}),
      config: await spool.content(spool.blob(config.digest), mostConfigBytes),
      layers: layers.map((layer) => spool.blob(layer.digest)),
    });
  }
  return images;
}

async function manifestOf(spool: Spool, digest: string, platform: Platform) {
  let at = digest;
  for (let depth = 0; depth < 3; depth++) {
    const manifest = parseManifest(await spool.content(spool.blob(at), mostManifestBytes));
    if (!isIndex(manifest)) return manifest;
    at = selectManifest(manifest, platform).digest;
  }
  throw new ContentError('the index leads to indexes only');
}

/** containerd writes the whole name; others, in the specification's annotation, only a tag, which is no name. */
function namesIn(annotations: Readonly<Record<string, unknown>>): string[] {
  for (const key of ['io.containerd.image.name', 'org.opencontainers.image.ref.name']) {
    const name = annotations[key];
    if (typeof name === 'string' && /[/:]/.test(name)) return [tagOf(name)];
  }
  return [];
}

function tagOf(name: string): string {
  const reference = parseReference(name);
  if (reference === undefined)
    throw new ContentError(`the archive names an image ${JSON.stringify(name)}: invalid reference format`);
  return formatReference(reference);
}

function parseArray(body: Buffer): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (Array.isArray(value)) return value.map((entry) => (entry ?? {}) as Record<string, unknown>);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new ContentError('the manifest is no JSON list');
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** The configuration of an image that is nothing but a root file system. */
export function configOf(
  diffId: string,
  platform: Platform,
  config: Readonly<Record<string, unknown>>,
  created: string,
): { readonly body: Buffer; readonly id: string } {
  const body = Buffer.from(
    JSON.stringify({
      created,
      os: platform.os,
      architecture: platform.architecture,
      config,
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created, comment: 'imported' }],
    }),
  );
  return { body, id: digestOf(body) };
}
