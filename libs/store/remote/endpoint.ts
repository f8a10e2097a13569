import { storeErrors } from '../src/errors';

export interface Endpoint {
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: string;
  readonly isSecure: boolean;
}

/** @throws StoreError `invalid-argument` */
export function parseEndpoint(endpoint: string): Endpoint {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain = url?.protocol === 'http:';
  if (url === undefined || url.hostname === '' || (!isPlain && url.protocol !== 'https:')) {
    throw storeErrors.invalid(`${endpoint} is not an endpoint: it has to be https://host:port or http://host:port`);
  }
  const port = url.port === '' ? (isPlain ? '80' : '443') : url.port;
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, isSecure: !isPlain };
}
