import { type Payload } from '#bus';
import { type Fence } from '#client';
import { badRequest } from '#machinery';
import { type UserInfo } from '../kinds/strategy';
import { type ApiRequest, noBody } from '../request/api-request';

/** What a component sends to `nestor.api.<base32(sender)>.<base32(user)>`. */
interface BusRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly body?: object;
  readonly userAgent?: string;
  readonly fence?: Fence;
}

/** As long as a request line may be over HTTP. */
const MAX_TEXT = 16 << 10;

/** The request that a message is. @throws BadRequest for any other payload: its sender may be defect, or hostile */
export function readBusRequest(payload: Payload, user: UserInfo): ApiRequest {
  if (!isBusRequest(payload)) throw badRequest('the message is no request: it needs a method and a path');
  const { method, contentType, accept, body, userAgent, fence } = payload;
  const question = payload.path.indexOf('?');
  const headers: Readonly<Record<string, string | undefined>> = {
    'content-type': contentType,
    accept,
    'user-agent': userAgent,
  };
  return {
    method,
    path: decodePath(question < 0 ? payload.path : payload.path.slice(0, question)),
    query: new URLSearchParams(question < 0 ? '' : payload.path.slice(question + 1)),
    header: (name) => headers[name],
    body: body === undefined ? noBody : { ...noBody, value: body },
    user,
    ...(fence === undefined ? {} : { fence }),
    // Callers on the bus cannot hang up. Made when asked for, which is seldom: it costs more than the rest of this.
    get signal() {
      return new AbortController().signal;
    },
  };
}

function isBusRequest(payload: unknown): payload is BusRequest {
  if (!isRecord(payload)) return false;
  const { method, path, contentType, accept, body, userAgent, fence } = payload;
  return (
    isText(method) &&
    isText(path) &&
    path.startsWith('/') &&
    [contentType, accept, userAgent].every((text) => text === undefined || isText(text)) &&
    (body === undefined || (typeof body === 'object' && body !== null)) &&
    (fence === undefined || isFence(fence))
  );
}

/** A term that cannot be read must not count as none. */
function isFence(value: unknown): value is Fence {
  if (!isRecord(value) || !isRecord(value['lease'])) return false;
  const { namespace, name } = value['lease'];
  return isText(namespace) && isText(name) && isText(value['holder']) && Number.isSafeInteger(value['transitions']);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw badRequest('the path has percent signs that encode nothing');
  }
}
