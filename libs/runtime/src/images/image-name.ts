const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const host = `${domainComponent}(?:\\.${domainComponent})*(?::[0-9]+)?`;
const pathComponent = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
/** The grammar of distribution/reference, with an id (64 hexadecimal digits) left out. */
const reference = new RegExp(
  `^((?:${host}/)?${pathComponent}(?:/${pathComponent})*)(:[\\w][\\w.-]{0,127})?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);

/** `nginx` → `docker.io/library/nginx:latest`, as containerd shows it. Ids stay as they are. Undefined: not an image's name. */
export function normalizeImage(image: string): string | undefined {
  if (/^sha256:[0-9a-f]{64}$/.test(image)) return image;
  const match = reference.exec(image);
  if (match === null) return undefined;
  const [, name = '', tag = '', digest = ''] = match;
  return `${withRegistry(name)}${tag === '' && digest === '' ? ':latest' : tag}${digest}`;
}

/** Registry of a name: `docker.io` unless the first component looks like a host. */
function withRegistry(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  if (first.includes('.') || first.includes(':') || first === 'localhost') return name;
  return slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}
