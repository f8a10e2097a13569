const domain = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const reference = new RegExp(
  `^(?:(?<domain>${domain})/)?(?<path>${component}(?:/${component})*)(?::(?<tag>[\\w][\\w.-]{0,127}))?(?:@(?<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);

/**
 * The image reference with a tag (`:latest` when it has neither tag nor digest). Undefined if it is not one: see the grammar of
 * github.com/distribution/reference.
 */
export function normalizeImage(image: string): string | undefined {
  const groups = reference.exec(image)?.groups;
  if (groups === undefined || image.length > 4096) return undefined;
  return groups.tag === undefined && groups.digest === undefined ? `${image}:latest` : image;
}

/** The registry that an image comes from: a first component with a dot, a port or the name localhost; else Docker Hub. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  return isHost ? first : 'docker.io';
}

/** `Always` for `:latest`, else `IfNotPresent`: what the API defaults to. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  const normalized = normalizeImage(image) ?? image;
  return normalized.endsWith(':latest') && !normalized.includes('@') ? 'Always' : 'IfNotPresent';
}
