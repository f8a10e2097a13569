import { encodeOpenApiV2, type OpenApiObject, openApiV2Document, openApiV3Document, openApiV3Index } from '#api';
import { genericServerResponse, notAcceptable } from '#machinery';
import { acceptClauses } from '../request/accept';
import { type RawResult } from '../request/api-result';
import { type PathRoute } from './paths';
import { type ResourceTable } from './resource-table';
import { serverVersion } from './version';

const protobufV2 = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const protobufV3 = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf';
/** RFC 6838 allows no `@` in the name of a type, so that upstream answers with another than is asked for. */
const answeredV2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const jsonTypes = ['application/json', 'application/*', '*/*'];

/** `/openapi/v2` and `/openapi/v3`: what kubectl explains and validates with. Documents are made on first use and kept as bytes. */
export function openApiRoute(table: ResourceTable): PathRoute {
  const kept = new Map<string, RawResult>();
  const keep = (path: string, contentType: string, make: () => object | undefined): RawResult | undefined => {
    const key = `${contentType} ${path}`;
    let answer = kept.get(key);
    if (answer === undefined) {
      const document = make();
      if (document === undefined) return undefined;
      answer = {
        type: 'raw',
        status: 200,
        headers: { 'content-type': contentType },
        body: Buffer.isBuffer(document) ? document : Buffer.from(JSON.stringify(document)),
      };
      kept.set(key, answer);
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
    const accept = request.header('accept');
    if (path === '/openapi/v2') {
      const document = (): OpenApiObject => openApiV2Document(table.definitions, serverVersion.gitVersion);
      if (prefersProtobuf(accept)) return keep(path, answeredV2, () => encodeOpenApiV2(document()));
      return keep(path, 'application/json', document);
    }
    requireJson(accept);
    const name = path.slice('/openapi/v3/'.length);
    return keep(path, 'application/json', () => openApiV3Document(table.definitions, name, serverVersion.gitVersion));
  };
}

/** client-go asks for nothing else; others may name both, in the order they like. */
function prefersProtobuf(accept = ''): boolean {
  const first = acceptClauses(accept).find(({ type }) => type === protobufV2 || jsonTypes.includes(type));
  return first?.type === protobufV2;
}

/** Clients that know protobuf know JSON too, but some ask for protobuf alone. @throws NotAcceptable */
function requireJson(accept: string | undefined): void {
  if (accept === undefined || accept === '') return;
  const clauses = acceptClauses(accept);
  if (clauses.some(({ type }) => jsonTypes.includes(type))) return;
  if (clauses.some(({ type }) => type === protobufV3)) throw notAcceptable(['application/json']);
}
