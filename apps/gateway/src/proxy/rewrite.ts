import { posix } from 'node:path';
import { type Transform } from 'node:stream';

/** Attributes that hold URLs, by element (HTML 4.01 and 5, index of attributes). */
const urlAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

export interface Place {
  /** The path under which the proxy shows the backend's root, without a slash at its end. */
  readonly prefix: string;
  /** Hosts that mean the backend: its own, and the one that the client asked for. */
  readonly hosts: readonly string[];
}

/** A link of the backend as the client has to follow it: one with an absolute path on the backend leads through the proxy. */
export function rewriteUrl(link: string, { prefix, hosts }: Place): string {
  const match = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is.exec(link);
  const [, scheme, host, path = '', rest = ''] = match ?? [];
  if (!path.startsWith('/') || (scheme !== undefined && host === undefined)) return link;
  if (host !== undefined && host !== '' && !hosts.includes(host)) return link;
  if (path === prefix || path.startsWith(`${prefix}/`)) return `${path}${rest}`;
  return `${posix.join(prefix, path)}${rest}`;
}

/** Rewrites the links of a page in UTF-8 while it passes. */
export async function linkRewriter(place: Place): Promise<Transform> {
  // Few clusters are ever asked for a page.
  const { RewritingStream } = await import('parse5-html-rewriting-stream');
  const stream = new RewritingStream();
  stream.on('startTag', (tag, raw) => {
    const names = urlAttributes[tag.tagName];
    const links = tag.attrs.filter(({ name }) => names?.includes(name));
    if (links.length === 0) return stream.emitRaw(raw);
    for (const link of links) link.value = rewriteUrl(link.value, place);
    stream.emitStartTag(tag);
  });
  return stream;
}
