import { type Clock } from '#machinery';
import { type TokenIssuer } from '#pki';
import { type AdmissionChain } from '../admission/admission';
import { type Authenticator } from '../authn/authenticator';
import { type ServiceAccountTokenAuthenticator } from '../authn/service-account-tokens';
import { type RbacAuthorizer } from '../authz/rbac-authorizer';
import { type Reader } from '../registry/reader';
import { type Writer } from '../registry/writer';
import { type ResourceHandlers } from './resource-handlers';
import { type ResourceTable } from './resource-table';
import { type SubresourceHandler } from './subresources';

export interface SubresourceDependencies {
  readonly table: ResourceTable;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly handlers: ResourceHandlers;
  readonly rbac: RbacAuthorizer;
  readonly admission: AdmissionChain;
  readonly authenticator: Authenticator;
  readonly serviceAccountTokens: ServiceAccountTokenAuthenticator;
  readonly tokenIssuer: TokenIssuer;
  readonly audiences: readonly string[];
  readonly clock: Clock;
}

/** Everything that is not simply an object, by `group/resource[/subresource]`; a star for group and resource means all. */
export function subresourceHandlers(_deps: SubresourceDependencies): ReadonlyMap<string, SubresourceHandler> {
  return new Map();
}
