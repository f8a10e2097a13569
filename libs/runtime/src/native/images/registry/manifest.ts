import { parseDigest } from '../content/digest';
import { type Platform, suits } from './platform';
import { ContentError, RegistryError } from './registry-error';

/** OCI image specification, "Content Descriptors". */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ImageManifest {
  readonly config: Descriptor;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex {
  readonly manifests: readonly (Descriptor & { readonly platform?: Platform })[];
}

const types = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

export const acceptedManifests = Object.values(types).join(', ');
/** The distribution specification has registries take manifests up to 4 MiB. */
export const mostManifestBytes = 4 * 2 ** 20;
/** Nobody's configuration is larger; it is held in memory. */
export const mostConfigBytes = 8 * 2 ** 20;

const imageConfigs = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);
const layerType =
  /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+gzip|\+zstd)?|docker\.image\.rootfs\.(foreign\.)?diff\.tar(\.gzip|\.zstd)?)$/;

/** Throws `ContentError` on what is neither. Schema 1 is not taken: registries gave it up. */
export function parseManifest(body: Buffer): ImageManifest | ImageIndex {
  const value = parseJson(body, 'manifest');
  const { schemaVersion, layers, manifests, config, mediaType } = value;
  if (schemaVersion !== 2)
    throw new ContentError(`manifests of schema version ${String(schemaVersion)} are not supported`);
  const isIndex = Array.isArray(manifests);
  // What can be read as either is read as nothing (CVE-2021-41190).
  if (isIndex && (layers !== undefined || config !== undefined))
    throw new ContentError('the manifest is an index as well');
  const expected: readonly string[] = isIndex
    ? [types.ociIndex, types.dockerList]
    : [types.ociManifest, types.dockerManifest];
  if (mediaType !== undefined && !(typeof mediaType === 'string' && expected.includes(mediaType))) {
    throw new ContentError(`manifests of type ${JSON.stringify(mediaType)} are not supported`);
  }
  if (isIndex) return { manifests: manifests.map(indexEntry) };
  if (!Array.isArray(layers)) throw new ContentError('the manifest has no layers');
  const image = { config: descriptor(config), layers: layers.map(descriptor) };
  if (!imageConfigs.has(image.config.mediaType)) {
    throw new ContentError(`it is no image of containers, but ${image.config.mediaType}`);
  }
  for (const layer of image.layers) {
    if (!layerType.test(layer.mediaType)) throw new ContentError(`layers of type ${layer.mediaType} are not supported`);
  }
  return image;
}

/** The best manifest for a machine. Throws what a registry without the image answers if there is none. */
export function selectManifest({ manifests }: ImageIndex, machine: Platform): Descriptor {
  let best: { readonly rank: number; readonly descriptor: Descriptor } | undefined;
  for (const descriptor of manifests) {
    const rank = descriptor.platform === undefined ? -1 : suits(descriptor.platform, machine);
    if (rank !== undefined && rank > (best?.rank ?? -2)) best = { rank, descriptor };
  }
  if (best !== undefined) return best.descriptor;
  const wanted = [machine.os, machine.architecture, machine.variant].filter(Boolean).join('/');
  throw new RegistryError(`no match for platform in manifest: ${wanted}: not found`, 404);
}

export function isIndex(manifest: ImageManifest | ImageIndex): manifest is ImageIndex {
  return 'manifests' in manifest;
}

export function parseJson(body: Buffer, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new ContentError(`the ${what} is no JSON object`);
}

function indexEntry(value: unknown): Descriptor & { platform?: Platform } {
  const { platform } = (value ?? {}) as { platform?: Record<string, unknown> };
  if (typeof platform !== 'object' || platform === null) return descriptor(value);
  const { os, architecture, variant } = platform;
  return {
    ...descriptor(value),
    platform: {
      os: String(os),
      architecture: String(architecture),
      ...(typeof variant === 'string' ? { variant } : {}),
    },
  };
}

function descriptor(value: unknown): Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || parseDigest(digest) === undefined) {
    throw new ContentError('the manifest has a descriptor without type or digest');
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new ContentError('the manifest has a descriptor without size');
  }
  return { mediaType, digest, size };
}
