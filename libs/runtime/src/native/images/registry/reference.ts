import { normalizeImage } from '../../../images/image-name';

/** An image's name in parts (github.com/distribution/reference). */
export interface Reference {
  /** `docker.io`, `registry.example:5000` */
  readonly registry: string;
  /** `library/nginx` */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Undefined: no reference, or an image's id. Without tag and digest the tag is `latest`. */
export function parseReference(text: string): Reference | undefined {
  const name = text.length > 4096 ? undefined : normalizeImage(text);
  if (name === undefined || name.startsWith('sha256:')) return undefined;
  const [withTag = '', digest] = name.split('@');
  const slash = withTag.indexOf('/');
  const colon = withTag.indexOf(':', slash);
  const repository = withTag.slice(slash + 1, colon < 0 ? undefined : colon);
  if (repository.length > 255) return undefined;
  const host = withTag.slice(0, slash);
  const registry = host === 'index.docker.io' ? 'docker.io' : host;
  return {
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
    ...(colon < 0 ? {} : { tag: withTag.slice(colon + 1) }),
    ...(digest === undefined ? {} : { digest: digest.toLowerCase() }),
  };
}

/** `docker.io/library/nginx` */
export function repositoryOf({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}

export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${repositoryOf(reference)}${tag}${digest}`;
}
