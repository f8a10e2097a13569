import { openApiV2Document, openApiV3Document, openApiV3Index } from '#api';
import { genericServerResponse, notAcceptable } from '#machinery';
import { acceptClauses } from '../request/accept';
import { type RawResult } from '../request/api-result';
import { type PathRoute } from './paths';
import { type ResourceTable } from './resource-table';
import { serverVersion } from './version';

const protobufTypes = [
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v3@v1.0+protobuf',
];

/** `/openapi/v2` and `/openapi/v3`: what kubectl explains and validates with. Documents are made on first use and kept as bytes. */
export function openApiRoute(table: ResourceTable): PathRoute {
  const kept = new Map<string, RawResult>();
  const keep = (path: string, contentType: string, make: () => object | undefined): RawResult | undefined => {
    let answer = kept.get(path);
    if (answer === undefined) {
      const document = make();
      if (document === undefined) return undefined;
      answer = {
        type: 'raw',
        status: 200,
        headers: { 'content-type': contentType },
        body: Buffer.from(JSON.stringify(document)),
      };
      kept.set(path, answer);
    }
    return answer;
  };
  return (request) => {
    const path = request.path.replace(/\/+$/, '');
    if (path !== '/openapi/v2' && path !== '/openapi/v3' && !path.startsWith('/openapi/v3/')) return undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') throw genericServerResponse(405);
    if (path === '/openapi/v3') {
      return keep(path, 'text/plain; charset=utf-8', () => openApiV3Index(table.definitions));
    }
    requireJson(request.header('accept'));
    if (path === '/openapi/v2') {
      return keep(path, 'application/json', () => openApiV2Document(table.definitions, serverVersion.gitVersion));
    }
    const name = path.slice('/openapi/v3/'.length);
    return keep(path, 'application/json', () => openApiV3Document(table.definitions, name, serverVersion.gitVersion));
  };
}

/** Clients that know protobuf know JSON too, but some ask for protobuf alone. @throws NotAcceptable */
function requireJson(accept: string | undefined): void {
  if (accept === undefined || accept === '') return;
  const clauses = acceptClauses(accept);
  if (clauses.some(({ type }) => ['application/json', 'application/*', '*/*'].includes(type))) return;
  if (clauses.some(({ type }) => protobufTypes.includes(type))) throw notAcceptable(['application/json']);
}
