import { type ImageInfo, type ImageInspectInfo } from 'dockerode';
import { type Clock, type Timer } from '#machinery';
import { type ImageCredentials, type ImageStatus, RuntimeError } from '../container-runtime';
import { normalizeImage } from '../images/image-name';
import { type Engine } from './engine';
import { statusOf, toPullError } from './errors';

/** A pull that has not moved for so long is given up, as the kubelet did. */
const stallMs = 60_000;

interface Progress {
  readonly error?: string;
}

/** The engine's images. */
export class ImageStore {
  /** Images never change: what is known by id stays true. */
  private readonly digests = new Map<string, string>();

  constructor(
    private readonly engine: Engine,
    private readonly clock: Clock,
  ) {}

  async status(image: string): Promise<ImageStatus | undefined> {
    if (normalizeImage(image) === undefined) return undefined;
    try {
      return this.remember(await this.engine.call((docker) => docker.inspectImage(image), 'image-not-found'));
    } catch (error) {
      if (error instanceof RuntimeError && ['image-not-found', 'not-found', 'invalid-argument'].includes(error.code))
        return undefined;
      throw error;
    }
  }

  async list(): Promise<readonly ImageStatus[]> {
    const images = await this.engine.call((docker) => docker.listImages());
    return images.map((image) => this.remember(image));
  }

  /** `repository@digest` of an image that came from a registry, else its id. */
  digestOf(id: string): string {
    return this.digests.get(id) ?? id;
  }

  knowsDigest(id: string): boolean {
    return this.digests.has(id);
  }

  async pull(image: string, credentials?: ImageCredentials): Promise<string> {
    const name = normalizeImage(image);
    if (name === undefined) {
      throw new RuntimeError(
        'invalid-image-name',
        `couldn't parse image reference "${image}": invalid reference format`,
      );
    }
    await this.download(name, image, credentials);
    const status = await this.status(name);
    if (status === undefined) throw new RuntimeError('image-not-found', `image "${image}" is gone after its pull`);
    return status.id;
  }

  async remove(image: string): Promise<void> {
    if (normalizeImage(image) === undefined) return;
    await this.engine.call(async (docker) => {
      try {
        await docker.removeImage(image, { force: true });
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
      }
    }, 'invalid-argument');
  }

  private async download(name: string, image: string, credentials?: ImageCredentials): Promise<void> {
    let timer: Timer | undefined;
    const abort = new AbortController();
    const alive = (): void => {
      timer?.cancel();
      timer = this.clock.setTimer(stallMs, () => abort.abort());
    };
    try {
      alive();
      const stream = await this.engine.call(
        (docker) => docker.pullImage(name, credentials, abort.signal),
        'pull-failed',
      );
      let rest = '';
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        alive();
        const lines = (rest + chunk.toString('utf8')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) checkProgress(line);
      }
      checkProgress(rest);
    } catch (error) {
      if (abort.signal.aborted)
        throw new RuntimeError('pull-failed', `pull of ${image} has not made progress for a minute`);
      throw toPullError(image, error);
    } finally {
      timer?.cancel();
    }
  }

  private remember(info: ImageInfo | ImageInspectInfo): ImageStatus {
    const config = 'Config' in info ? info.Config : undefined;
    const digests = (info.RepoDigests ?? []).filter((digest) => digest !== '<none>@<none>');
    this.digests.set(info.Id, digests[0] === undefined ? info.Id : (normalizeImage(digests[0]) ?? digests[0]));
    return {
      id: info.Id,
      tags: (info.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>').map((tag) => normalizeImage(tag) ?? tag),
      digests: digests.map((digest) => normalizeImage(digest) ?? digest),
      sizeBytes: info.Size,
      ...userOf(config?.User ?? ''),
    };
  }
}

function checkProgress(line: string): void {
  if (line.trim() === '') return;
  const { error } = JSON.parse(line) as Progress;
  if (error !== undefined) throw new Error(error);
}

/** `user[:group]`: a number, or a name that only the image can translate. Nothing is root. */
function userOf(text: string): { uid?: number; username?: string } {
  const [user = ''] = text.split(':');
  if (user === '') return { uid: 0 };
  return /^\d+$/.test(user) ? { uid: Number(user) } : { username: user };
}
