import { type Secret } from '#api';
import { type DeepReadonly } from '#machinery';
import { bootstrapTokens, expirationOf, parseBootstrapToken, secretsEqual } from '#pki';
import { type ResourceCache } from '../cache/resource-cache';
import { type UserInfo } from '../kinds/strategy';
import { type TokenAuthenticator } from './authenticator';

const { namespace, secretPrefix, secretType, userPrefix, group, keys } = bootstrapTokens;
const extraGroup = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/**
 * Tokens with which nodes join: Secrets of type `bootstrap.kubernetes.io/token` in kube-system. Whatever is wrong with one, it is
 * simply not known; nothing about it is logged.
 */
export class BootstrapTokenAuthenticator implements TokenAuthenticator {
  constructor(
    private readonly secrets: ResourceCache,
    private readonly now: () => number,
  ) {}

  authenticate(text: string): Promise<UserInfo | undefined> {
    return Promise.resolve(this.find(text));
  }

  private find(text: string): UserInfo | undefined {
    const token = parseBootstrapToken(text);
    if (token === undefined) return undefined;
    const key = `${this.secrets.prefix}${namespace}/${secretPrefix}${token.id}`;
    const secret: DeepReadonly<Secret> | undefined = this.secrets.get(key)?.object;
    if (secret?.type !== secretType || secret.metadata?.deletionTimestamp !== undefined) return undefined;
    const value = (name: string): string => Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8');
    if (!secretsEqual(value(keys.secret), token.secret) || value(keys.id) !== token.id) return undefined;
    if (expirationOf(value(keys.expiration)) <= this.now()) return undefined;
    if (value(keys.authentication) !== 'true') return undefined;
    const groups = value(keys.extraGroups) === '' ? [] : value(keys.extraGroups).split(',');
    if (!groups.every((name) => extraGroup.test(name))) return undefined;
    return { name: `${userPrefix}${token.id}`, groups: [...new Set([group, ...groups])].sort() };
  }
}
