import path from 'node:path';
import { readPrivateFile, writeFileAtomically } from '#pki';
import { type ImageConfig } from './image-config';
import { type Mutex } from './options';

/** An image that is here. */
export interface ImageRecord {
  /** The digest of its configuration, as everybody names images. */
  readonly id: string;
  /** `docker.io/library/nginx:1.27` */
  readonly tags: readonly string[];
  /** `docker.io/library/nginx@sha256:…` */
  readonly digests: readonly string[];
  /** Manifests, configuration and packed layers. */
  readonly blobs: readonly string[];
  /** Chain ids, the lowest first. */
  readonly layers: readonly string[];
  /** Unpacked. */
  readonly sizeBytes: number;
  readonly config: ImageConfig;
  /** Milliseconds since the epoch: when it came here, and when a container last began or stopped to use it. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Never collected as garbage. */
  readonly isPinned: boolean;
  /** Containers (or whatever) for which its layers must stay. */
  readonly users: readonly string[];
}

interface CatalogFile {
  readonly version: 1;
  readonly images: readonly ImageRecord[];
}

/**
 * Which images are here: one small file, replaced as a whole, so that it is never half. Several processes may share it (a node agent and the command line); each
 * reads it anew, and changes it under a mutex of the machine.
 */
export class Catalog {
  private readonly file: string;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly directory: string,
    private readonly mutex: Mutex,
  ) {
    this.file = path.join(directory, 'images.json');
  }

  async read(): Promise<readonly ImageRecord[]> {
    const text = await readPrivateFile(this.file);
    if (text === undefined) return [];
    try {
      const { version, images } = JSON.parse(text) as Partial<CatalogFile>;
      if (version === 1 && Array.isArray(images)) return images as readonly ImageRecord[];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new Error(`${this.file} is damaged, or of another version`);
  }

  /** One change at a time. `change` gets what is there and tells what shall be; it should not take long. */
  update<T>(
    change: (images: readonly ImageRecord[]) => Promise<{ images: readonly ImageRecord[]; result: T }>,
  ): Promise<T> {
    const work = async (): Promise<T> => {
      const before = await this.read();
      const { images, result } = await change(before);
      if (images !== before) {
        const content: CatalogFile = { version: 1, images };
        await writeFileAtomically(this.file, `${JSON.stringify(content)}\n`);
      }
      return result;
    };
    // In line within this process; the mutex polls.
    const turn = this.last.then(() => this.mutex(this.directory, work));
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
