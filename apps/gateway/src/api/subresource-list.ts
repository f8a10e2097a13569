import { type Clock } from '#machinery';
import { type TokenIssuer } from '#pki';
import { type AdmissionChain } from '../admission/admission';
import { type Authenticator } from '../authn/authenticator';
import { type ServiceAccountTokenAuthenticator } from '../authn/service-account-tokens';
import { type Authorizer } from '../authz/attributes';
import { type RbacAuthorizer } from '../authz/rbac-authorizer';
import { type Reader } from '../registry/reader';
import { type Writer } from '../registry/writer';
import { accessReviewHandler, rulesReviewHandler } from '../reviews/access-reviews';
import { selfSubjectReviewHandler, tokenReviewHandler } from '../reviews/authentication-reviews';
import { type ProxyHandler } from '../proxy/proxy-handler';
import { type NodeConnection } from '../streams/node-connection';
import { logHandler } from '../streams/pod-log';
import { withoutUpgradeHandler } from '../streams/without-upgrade';
import { bindingHandler } from '../subresources/binding';
import { evictionHandler } from '../subresources/eviction';
import { scaleHandler } from '../subresources/scale';
import { tokenHandler } from '../subresources/token';
import { type ResourceHandlers } from './resource-handlers';
import { type ResourceTable } from './resource-table';
import { type SubresourceHandler } from './subresources';

export interface SubresourceDependencies {
  readonly table: ResourceTable;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly handlers: ResourceHandlers;
  readonly rbac: RbacAuthorizer;
  readonly authorizer: Authorizer;
  readonly admission: AdmissionChain;
  readonly authenticator: Authenticator;
  readonly serviceAccountTokens: ServiceAccountTokenAuthenticator;
  readonly tokenIssuer: TokenIssuer;
  readonly audiences: readonly string[];
  readonly nodes: NodeConnection;
  readonly proxy: ProxyHandler;
  readonly clock: Clock;
}

/** Everything that is not simply an object, by `group/resource[/subresource]`; a star for group and resource means all. */
export function subresourceHandlers(deps: SubresourceDependencies): ReadonlyMap<string, SubresourceHandler> {
  const { rbac, authorizer, authenticator, serviceAccountTokens, audiences, clock } = deps;
  const binding = bindingHandler(deps);
  const now = (): number => clock.now();
  return new Map<string, SubresourceHandler>([
    ['*/scale', scaleHandler(deps)],
    ['/bindings', binding],
    ['/pods/binding', binding],
    ['/pods/eviction', evictionHandler(deps)],
    ['/pods/exec', withoutUpgradeHandler(deps, true)],
    ['/pods/attach', withoutUpgradeHandler(deps, true)],
    ['/pods/portforward', withoutUpgradeHandler(deps, false)],
    ['/pods/log', logHandler(deps, deps.nodes)],
    ['/nodes/proxy', deps.proxy],
    ['/pods/proxy', deps.proxy],
    ['/services/proxy', deps.proxy],
    ['/serviceaccounts/token', tokenHandler(deps)],
    ['authorization.k8s.io/subjectaccessreviews', accessReviewHandler(authorizer, 'subject', now)],
    ['authorization.k8s.io/localsubjectaccessreviews', accessReviewHandler(authorizer, 'subject', now)],
    ['authorization.k8s.io/selfsubjectaccessreviews', accessReviewHandler(authorizer, 'self', now)],
    ['authorization.k8s.io/selfsubjectrulesreviews', rulesReviewHandler(rbac)],
    ['authentication.k8s.io/tokenreviews', tokenReviewHandler(authenticator, serviceAccountTokens, audiences, now)],
    ['authentication.k8s.io/selfsubjectreviews', selfSubjectReviewHandler(now)],
  ]);
}
