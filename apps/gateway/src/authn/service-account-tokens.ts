import { type DeepReadonly, type KubernetesObject, unauthorized } from '#machinery';
import { TokenError, type TokenClaims, type TokenVerifier } from '#pki';
import { type ResourceCache } from '../cache/resource-cache';
import { type UserInfo } from '../kinds/strategy';
import { type TokenAuthenticator } from './authenticator';

/** What bound tokens may be bound to. */
export interface BoundObjectCaches {
  readonly serviceAccounts: ResourceCache;
  readonly pods: ResourceCache;
  readonly secrets: ResourceCache;
}

/** Tokens that TokenRequest issued. They end with the objects they are bound to (KEP-1205). */
export class ServiceAccountTokenAuthenticator implements TokenAuthenticator {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly audiences: readonly string[],
    private readonly caches: BoundObjectCaches,
    private readonly now: () => number,
  ) {}

  async authenticate(token: string): Promise<UserInfo | undefined> {
    return this.verify(token, this.audiences).then(
      (verified) => verified?.user,
      (error: unknown) => {
        throw error instanceof TokenError ? unauthorized() : error;
      },
    );
  }

  /**
   * @returns undefined if the token is not ours
   * @throws TokenError if it is not valid (any more)
   */
  async verify(
    token: string,
    audiences: readonly string[],
  ): Promise<{ readonly user: UserInfo; readonly claims: TokenClaims } | undefined> {
    try {
      const claims = await this.verifier.verify(token, audiences);
      this.requireBoundObjects(claims);
      return { user: userOf(claims), claims };
    } catch (error) {
      if (error instanceof TokenError && error.foreign) return undefined;
      throw error;
    }
  }

  private requireBoundObjects({ bound }: TokenClaims): void {
    const { namespace, serviceaccount, pod, secret } = bound;
    this.require(this.caches.serviceAccounts, namespace, serviceaccount, 'service account');
    if (pod !== undefined) this.require(this.caches.pods, namespace, pod, 'pod');
    if (secret !== undefined) this.require(this.caches.secrets, namespace, secret, 'secret');
  }

  private require(
    cache: ResourceCache,
    namespace: string,
    wanted: { readonly name: string; readonly uid: string },
    what: string,
  ): void {
    const object = cache.get(`${cache.prefix}${namespace}/${wanted.name}`)?.object;
    if (object === undefined) throw new TokenError(`${what} ${wanted.name} does not exist`, false);
    if (object.metadata?.uid !== wanted.uid) throw new TokenError(`${what} ${wanted.name} is another one`, false);
    if (this.isGone(object)) throw new TokenError(`${what} ${wanted.name} has been deleted`, false);
  }

  /** Deleted objects keep their tokens for the grace period and a minute. */
  private isGone(object: DeepReadonly<KubernetesObject>): boolean {
    const { deletionTimestamp } = object.metadata ?? {};
    return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + 60_000 < this.now();
  }
}

function userOf({ subject, id, bound }: TokenClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = bound;
  return {
    name: subject,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {
      'authentication.kubernetes.io/credential-id': [`JTI=${id}`],
      ...(pod === undefined
        ? {}
        : {
            'authentication.kubernetes.io/pod-name': [pod.name],
            'authentication.kubernetes.io/pod-uid': [pod.uid],
          }),
      ...(node === undefined ? {} : { 'authentication.kubernetes.io/node-name': [node.name] }),
      ...(node?.uid === undefined ? {} : { 'authentication.kubernetes.io/node-uid': [node.uid] }),
    },
  };
}
