import { type Clock, Turns } from '#machinery';
import { type ImageCredentials, RuntimeError } from '../../container-runtime';
import { type BlobStore } from './content/blob-store';
import { chainIds } from './content/digest';
import { download } from './content/download';
import { parseConfig, type ParsedConfig } from './image-config';
import { type ChainLayer, type LayerProgress } from './layers/layer-store';
import { type ImageLimits } from './options';
import {
  type Descriptor,
  type ImageManifest,
  isIndex,
  mostConfigBytes,
  parseManifest,
  selectManifest,
} from './registry/manifest';
import { type Platform } from './registry/platform';
import { formatReference, type Reference } from './registry/reference';
import { type Fetched, type RegistryClient, type Source } from './registry/registry-client';
import { ContentError } from './registry/registry-error';
import { SharedTasks } from './joined-tasks';
import { StallWatch } from './stall-watch';

/** As the kubelet's image-pull-progress deadline. */
const stallMs = 60_000;
/** At a time, for each pull (containerd's `max_concurrent_downloads`). */
const mostDownloads = 3;
const deepestIndex = 3;

/** What a registry said an image is; its layers are not here yet. */
export interface Resolved {
  /** Of what the reference named, be it an index. */
  readonly digest: string;
  /** Its configuration's. */
  readonly id: string;
  readonly parsed: ParsedConfig;
  /** Manifests, configuration, packed layers. */
  readonly blobs: readonly string[];
  readonly chain: readonly ChainLayer[];
}

export interface PullerOptions {
  readonly client: RegistryClient;
  readonly blobs: BlobStore;
  readonly platform: Platform;
  readonly limits: ImageLimits;
  readonly clock: Clock;
}

/** Gets what a reference names from its registry: descriptions at once, layers when the chain asks for them. */
export class Puller {
  private readonly downloads = new SharedTasks<string, number>();

  constructor(private readonly options: PullerOptions) {}

  async resolve(
    reference: Reference,
    credentials: ImageCredentials | undefined,
    signal: AbortSignal,
  ): Promise<Resolved> {
    const { blobs, limits } = this.options;
    const source: Source = { reference, ...(credentials === undefined ? {} : { credentials }) };
    const top = await this.manifest(source, reference.digest ?? reference.tag ?? 'latest', signal);
    const described = [top];
    const manifest = await this.imageManifest(source, described, signal);
    if (manifest.layers.length > limits.layers)
      throw new ContentError(`the image has more than ${limits.layers} layers`);
    if (manifest.config.size > mostConfigBytes)
      throw new ContentError(`the configuration is larger than ${mostConfigBytes} bytes`);
    for (const { body, digest } of described) await blobs.write(body, digest);
    await this.blob(source, manifest.config, signal, () => undefined);
    const parsed = parseConfig(await blobs.read(manifest.config.digest));
    return {
      digest: top.digest,
      id: manifest.config.digest,
      parsed,
      blobs: [...described, manifest.config, ...manifest.layers].map(({ digest }) => digest),
      chain: this.chainOf(source, manifest, parsed),
    };
  }

  /** Follows indexes to the manifest for this machine; all that are met are added to `described`. */
  private async imageManifest(source: Source, described: Fetched[], signal: AbortSignal): Promise<ImageManifest> {
    for (let depth = 0; depth < deepestIndex; depth++) {
      const last = described.at(-1);
      if (last === undefined) break;
      const manifest = parseManifest(last.body);
      if (!isIndex(manifest)) return manifest;
      const selected = selectManifest(manifest, this.options.platform);
      described.push(await this.manifest(source, selected.digest, signal));
    }
    throw new ContentError('the index leads to indexes only');
  }

  private chainOf(source: Source, { layers }: ImageManifest, { diffIds }: ParsedConfig): ChainLayer[] {
    if (layers.length !== diffIds.length) throw new ContentError('mismatched image rootfs and manifest layers');
    const chain = chainIds(diffIds);
    const slots = new Turns(mostDownloads);
    return layers.map((descriptor, index) => {
      const diffId = diffIds[index] ?? '';
      return {
        diffId,
        chainId: chain[index] ?? '',
        archive: async (signal, progress) => {
          const path = await slots.run(() => this.layer(source, descriptor, diffId, signal, progress));
          return { path, size: descriptor.size };
        },
        reject: () => this.options.blobs.remove(descriptor.digest),
      };
    });
  }

  private layer(
    source: Source,
    descriptor: Descriptor,
    layer: string,
    signal: AbortSignal,
    progress: (progress: LayerProgress) => void,
  ): Promise<string> {
    const { size: total } = descriptor;
    return this.blob(source, descriptor, signal, (current) =>
      progress({ layer, phase: 'downloading', current, total }),
    );
  }

  private async manifest(source: Source, which: string, signal: AbortSignal): Promise<Fetched> {
    return this.watched(source, signal, (watched) => this.options.client.manifest(source, which, watched));
  }

  /** A blob is fetched once, whoever needs it and for whatever image. */
  private async blob(
    source: Source,
    descriptor: Descriptor,
    signal: AbortSignal,
    progress: (bytes: number) => void,
  ): Promise<string> {
    const { blobs, client } = this.options;
    return this.downloads.run(descriptor.digest, { signal, progress }, async (shared, report) => {
      const size = await blobs.size(descriptor.digest);
      if (size === descriptor.size) return blobs.path(descriptor.digest);
      if (size !== undefined)
        throw new ContentError(`the blob ${descriptor.digest} has ${size} bytes, not ${descriptor.size}`);
      return this.watched(source, shared, (watched, moved) =>
        download(client, blobs, source, descriptor, watched, (bytes) => {
          moved();
          report(bytes);
        }),
      );
    });
  }

  /** Ends what the registry does not go on with. Our own work, and waiting for a turn, is not watched. */
  private async watched<T>(
    { reference }: Source,
    signal: AbortSignal,
    work: (signal: AbortSignal, moved: () => void) => Promise<T>,
  ): Promise<T> {
    const stalled = (): Error =>
      new RuntimeError('pull-failed', `pull of ${formatReference(reference)} has not made progress for a minute`);
    const watch = new StallWatch(this.options.clock, stallMs, stalled);
    try {
      return await work(AbortSignal.any([signal, watch.signal]), () => watch.moved());
    } catch (error) {
      if (watch.signal.aborted) throw watch.signal.reason;
      throw error;
    } finally {
      watch.stop();
    }
  }
}
