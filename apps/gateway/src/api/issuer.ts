import { genericServerResponse } from '#machinery';
import { jsonWebKeySet, openIdConfiguration } from '#pki';
import { jsonResult } from '../request/api-result';
import { type PathRoute } from './paths';

const configurationPath = '/.well-known/openid-configuration';
const keySetPath = '/openid/v1/jwks';

/** What others need to verify service account tokens: OpenID Connect discovery (KEP-1393). */
export function issuerRoute(
  { issuer, keyPems }: { readonly issuer: string; readonly keyPems: readonly string[] },
  serverAddress: () => string,
): PathRoute {
  const answer = (document: unknown, contentType: string) => {
    const result = jsonResult(200, document);
    return {
      ...result,
      headers: { ...result.headers, 'content-type': contentType, 'cache-control': 'public, max-age=3600' },
    };
  };
  return async ({ path, method }) => {
    const place = path.replace(/\/$/, '');
    if (place !== configurationPath && place !== keySetPath) return undefined;
    if (method !== 'GET') throw genericServerResponse(405);
    return place === keySetPath
      ? answer(await jsonWebKeySet(keyPems), 'application/jwk-set+json')
      : answer(openIdConfiguration(issuer, `https://${serverAddress()}${keySetPath}`), 'application/json');
  };
}
