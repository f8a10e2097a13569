import { type TokenReview } from '#api';
import { ApiError, type KubernetesObject, badRequest, formatTime } from '#machinery';
import { TokenError } from '#pki';
import { type Authenticator, authenticated } from '../authn/authenticator';
import { type ServiceAccountTokenAuthenticator } from '../authn/service-account-tokens';
import { decodeBody } from '../codec/decode-body';
import { expectedOf } from '../api/request-checks';
import { type SubresourceHandler } from '../api/subresources';
import { type UserInfo } from '../kinds/strategy';
import { answer, decodeReview } from './access-reviews';

/** TokenReview: who holds this token? */
export function tokenReviewHandler(
  authenticator: Authenticator,
  serviceAccounts: ServiceAccountTokenAuthenticator,
  audiences: readonly string[],
  now: () => number,
): SubresourceHandler {
  const review = async (token: string, wanted: readonly string[]): Promise<object> => {
    const asked = wanted.length === 0 ? audiences : wanted;
    try {
      const own = await serviceAccounts.verify(token, asked);
      if (own !== undefined) {
        const shared = asked.filter((audience) => own.claims.audiences.includes(audience));
        return { authenticated: true, user: describe(authenticated(own.user)), audiences: shared };
      }
      // Tokens of other kinds are for the API server.
      const common = asked.filter((audience) => audiences.includes(audience));
      if (common.length === 0) return { user: {} };
      return { authenticated: true, user: describe(await authenticator.authenticateToken(token)), audiences: common };
    } catch (error) {
      if (error instanceof TokenError) return { user: {}, error: error.message };
      if (error instanceof ApiError && error.reason === 'Unauthorized') return { user: {} };
      throw error;
    }
  };
  return {
    async create(request, _info, resource) {
      const body = (await decodeReview(request, resource, now)) as TokenReview;
      const { token = '', audiences: wanted = [] } = body.spec;
      if (token === '') throw badRequest('token is required for TokenReview in authentication');
      return answer({ ...body, status: await review(token, wanted) } as KubernetesObject);
    },
  };
}

/** SelfSubjectReview: who am I? */
export function selfSubjectReviewHandler(now: () => number): SubresourceHandler {
  return {
    async create(request, _info, resource) {
      const body = await decodeBody(request, expectedOf(resource), 'Ignore', () => undefined);
      return answer({
        ...body,
        metadata: { creationTimestamp: formatTime(now()) },
        status: { userInfo: describe(request.user) },
      } as KubernetesObject);
    },
  };
}

function describe({ name, uid, groups, extra }: UserInfo): object {
  return {
    username: name,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
  };
}
