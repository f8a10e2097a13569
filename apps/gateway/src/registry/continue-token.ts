import { badRequest, goQuote } from '#machinery';

/** Where a paged list goes on: upstream's token, base64url of `{"v":"meta.k8s.io/v1","rv":…,"start":…}`. */
export interface ContinueToken {
  /** Revision of the list; -1: whatever is now. */
  readonly revision: number;
  /** First key of the next page, relative to the list's key prefix. */
  readonly start: string;
}

const version = 'meta.k8s.io/v1';

export function encodeContinue({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start })).toString('base64url');
}

/** @throws BadRequest with upstream's text. */
export function decodeContinue(token: string): ContinueToken {
  if (!/^[A-Za-z0-9_-]*$/.test(token)) {
    throw badRequest('invalid continue token: continue key is not valid: illegal base64 data at input byte 0');
  }
  const data = Buffer.from(token, 'base64url');
  let value: { v?: unknown; rv?: unknown; start?: unknown };
  try {
    value = JSON.parse(data.toString('utf8')) as typeof value;
  } catch {
    // Go quotes the first offending byte as a Latin-1 character.
    const quoted = goQuote(String.fromCharCode(data[0] ?? 0))
      .slice(1, -1)
      .replace('\\x', '\\u00');
    throw badRequest(
      `invalid continue token: continue key is not valid: invalid character '${quoted}' looking for beginning of value`,
    );
  }
  if (value.v !== version) {
    throw badRequest(
      `invalid continue token: continue key is not valid: server does not recognize this encoded version ${goQuote(String(value.v))}`,
    );
  }
  const revision = typeof value.rv === 'number' ? value.rv : 0;
  if (revision === 0) {
    throw badRequest(
      'invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    );
  }
  const start = typeof value.start === 'string' ? value.start : '';
  if (start === '') {
    throw badRequest(
      'invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)',
    );
  }
  const cleaned = start.startsWith('/') ? start.slice(1) : start;
  if (cleaned.split('/').includes('..') || cleaned.includes('//')) {
    throw badRequest(`invalid continue token: continue key is not valid: ${start}`);
  }
  return { revision, start: cleaned };
}
