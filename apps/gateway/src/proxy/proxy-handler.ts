import { type Duplex } from 'node:stream';
import { internalError } from '#machinery';
import { type ServedResource } from '../registry/served-resource';
import { type ApiRequest } from '../request/api-request';
import { type ApiResult } from '../request/api-result';
import { type RequestInfo } from '../request/request-info';
import { type Backend } from './backend';
import { type Backends } from './backends';
import { forward, forwardUpgrade, type Passage } from './forward';

/** `pods/proxy`, `services/proxy` and `nodes/proxy`: what is asked there is asked of the backend, by whatever method. */
export class ProxyHandler {
  constructor(private readonly backends: Pick<Backends, 'find'>) {}

  /** @throws BadRequest, NotFound, ServiceUnavailable */
  readonly connect = async (request: ApiRequest, info: RequestInfo, resource: ServedResource): Promise<ApiResult> => {
    const backend = await this.backends.find(info, resource);
    const passage = passageOf(request, info, backend);
    // Without the slash a page's relative links would lead elsewhere.
    if (passage.path === '' && (request.method === 'GET' || request.method === 'HEAD')) {
      const { query } = passage.wire;
      const location = `${passage.place.prefix}/${query === '' ? '' : `?${query}`}`;
      return { type: 'raw', status: 301, headers: { location }, body: Buffer.alloc(0) };
    }
    return forward({ ...passage, path: passage.path || '/' }, backend);
  };

  /** The same for a request to change the protocol. Resolves when the connection is over. */
  async upgrade(
    request: ApiRequest,
    info: RequestInfo,
    resource: ServedResource,
    client: Duplex,
    head: Buffer,
  ): Promise<void> {
    const backend = await this.backends.find(info, resource);
    const passage = passageOf(request, info, backend);
    await forwardUpgrade({ ...passage, path: passage.path || '/' }, backend, client, head);
  }
}

/** The passage's path is '' where the request's ends with the subresource. */
function passageOf(request: ApiRequest, { path, namespace }: RequestInfo, { authority }: Backend): Passage {
  const { method, wire, signal } = request;
  if (wire === undefined) throw internalError('a request to a proxy has to come by HTTP');
  // /api/v1[/namespaces/<namespace>]/<resource>/<name>/proxy
  const length = namespace === '' ? 5 : 7;
  const [, prefix = '', rest = ''] = new RegExp(`^((?:/+[^/]+){${length}})(.*)$`, 's').exec(path) ?? [];
  const hosts = [authority, ...(wire.headers.host === undefined ? [] : [wire.headers.host])];
  return { method, path: encodePath(rest), place: { prefix: encodePath(prefix), hosts }, wire, signal };
}

/** What a path may not hold as it is, as Go encodes it. */
function encodePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}
