import { createHash } from 'node:crypto';
import { type ImageStatus, RuntimeError, type RuntimeErrorCode } from '../container-runtime';
import { normalizeImage } from '../images/image-name';

/** Images whose pull fails, by what their names contain. */
const failures: readonly { readonly pattern: RegExp; readonly code: RuntimeErrorCode; readonly message: string }[] = [
  {
    pattern: /^[^/]*\.invalid(:\d+)?\//,
    code: 'pull-failed',
    message: 'dial tcp: lookup registry: no such host',
  },
  {
    pattern: /(^|\/)private\//,
    code: 'image-unauthorized',
    message: 'pull access denied, repository does not exist or may require authorization',
  },
  { pattern: /:(missing|does-not-exist)$/, code: 'image-not-found', message: 'manifest unknown' },
];

/** The images of a simulated node: every well-formed name can be pulled, unless it is in the table of failures. */
export class FakeImages {
  private readonly images = new Map<string, ImageStatus>();

  status(image: string): ImageStatus | undefined {
    const name = normalizeImage(image);
    if (name === undefined) return undefined;
    const known = this.images.get(name) ?? [...this.images.values()].find(({ id }) => id === image);
    // Made on each machine when it starts.
    return known ?? (name.startsWith('nestor.local/') ? this.add(name) : undefined);
  }

  list(): readonly ImageStatus[] {
    return [...this.images.values()];
  }

  /** @returns the image's id */
  pull(image: string): string {
    const name = normalizeImage(image);
    if (name === undefined)
      throw new RuntimeError(
        'invalid-image-name',
        `couldn't parse image reference "${image}": invalid reference format`,
      );
    const failure = failures.find(({ pattern }) => pattern.test(name) || pattern.test(image));
    if (failure !== undefined)
      throw new RuntimeError(failure.code, `failed to pull image "${image}": ${failure.message}`);
    return (this.images.get(name) ?? this.add(name)).id;
  }

  remove(image: string): void {
    const status = this.status(image);
    if (status === undefined) return;
    for (const [name, { id }] of this.images) if (id === status.id) this.images.delete(name);
  }

  private add(name: string): ImageStatus {
    const digest = createHash('sha256').update(name).digest('hex');
    const repository = name.replace(/(@.*|:[^:/]*)$/, '');
    const status: ImageStatus = {
      id: `sha256:${digest}`,
      tags: [name],
      digests: [`${repository}@sha256:${digest}`],
      sizeBytes: 1024 * 1024,
      uid: 0,
    };
    this.images.set(name, status);
    return status;
  }
}
