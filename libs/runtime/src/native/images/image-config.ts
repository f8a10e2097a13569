import { parseDigest } from './content/digest';
import { parseJson } from './registry/manifest';
import { ContentError } from './registry/registry-error';

/** What an image says about containers of it (OCI image specification, "Image Configuration"). Absent: it says nothing. */
export interface ImageConfig {
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** `user[:group]`, each a number or a name of the image's. */
  readonly user?: string;
  readonly workdir?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly volumes: readonly string[];
}

export interface ParsedConfig {
  readonly config: ImageConfig;
  readonly diffIds: readonly string[];
}

/** Throws `ContentError`. */
export function parseConfig(body: Buffer): ParsedConfig {
  const { config, rootfs } = parseJson(body, 'configuration');
  const { type, diff_ids: diffIds } = (rootfs ?? {}) as Record<string, unknown>;
  if (type !== 'layers' || !Array.isArray(diffIds)) throw new ContentError('the configuration has no layers');
  for (const diffId of diffIds) {
    if (typeof diffId !== 'string' || parseDigest(diffId)?.algorithm !== 'sha256') {
      throw new ContentError('the configuration has a layer that is no digest');
    }
  }
  return { config: imageConfig((config ?? {}) as Record<string, unknown>), diffIds: diffIds as string[] };
}

function imageConfig(value: Readonly<Record<string, unknown>>): ImageConfig {
  const optional = <K extends string, T>(key: K, found: T | undefined) =>
    (found === undefined ? {} : { [key]: found }) as { readonly [key in K]?: T };
  return {
    env: strings(value['Env']) ?? [],
    ...optional('entrypoint', strings(value['Entrypoint'])),
    ...optional('cmd', strings(value['Cmd'])),
    ...optional('user', text(value['User'])),
    ...optional('workdir', text(value['WorkingDir'])),
    labels: Object.fromEntries(
      Object.entries(object(value['Labels'])).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    ),
    ...optional('stopSignal', text(value['StopSignal'])),
    volumes: Object.keys(object(value['Volumes'])),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function strings(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.length > 0 ? value.filter((one) => typeof one === 'string') : undefined;
}

function object(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
