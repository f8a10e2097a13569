import { type IncomingMessage } from 'node:http';
import { type TLSSocket } from 'node:tls';
import { unauthorized } from '#machinery';
import { identityOf } from '#pki';
import { type UserInfo } from '../kinds/strategy';

/** Knows tokens of one kind. */
export interface TokenAuthenticator {
  /** @returns undefined if the token is not of its kind; @throws Unauthorized if it is, but is not valid */
  authenticate(token: string): Promise<UserInfo | undefined>;
}

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Who sends an HTTP request: client certificate, bearer token, or nobody in particular. */
export class Authenticator {
  private readonly byConnection = new WeakMap<TLSSocket, UserInfo | null>();

  constructor(private readonly tokens: readonly TokenAuthenticator[]) {}

  /** @throws Unauthorized for credentials that are wrong; without any the user is anonymous */
  async authenticate(request: IncomingMessage): Promise<UserInfo> {
    const byCertificate = this.certificateUser(request.socket as TLSSocket);
    if (byCertificate !== undefined) return byCertificate;
    const token = bearerToken(request);
    return token === undefined ? anonymous : this.authenticateToken(token);
  }

  /** @throws Unauthorized */
  async authenticateToken(token: string): Promise<UserInfo> {
    for (const authenticator of this.tokens) {
      const user = await authenticator.authenticate(token);
      if (user !== undefined) return authenticated(user);
    }
    throw unauthorized();
  }

  private certificateUser(socket: TLSSocket): UserInfo | undefined {
    if (socket.authorized !== true) return undefined;
    let user = this.byConnection.get(socket);
    if (user === undefined) {
      const certificate = socket.getPeerX509Certificate();
      user = certificate === undefined ? null : userOf(certificate.raw);
      this.byConnection.set(socket, user);
    }
    return user ?? undefined;
  }
}

function userOf(certificate: Buffer): UserInfo {
  const { commonName, organizations } = identityOf(certificate);
  return authenticated({ name: commonName, groups: organizations });
}

/** Everybody who is somebody is in `system:authenticated`. */
export function authenticated(user: UserInfo): UserInfo {
  if (user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated')) return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}

/** From the header, or for browsers' WebSockets from the subprotocol list. */
function bearerToken(request: IncomingMessage): string | undefined {
  const match = /^Bearer +(\S+)\s*$/i.exec(request.headers.authorization ?? '');
  if (match !== null) return match[1];
  const protocols = request.headers['sec-websocket-protocol'] ?? '';
  const encoded = /base64url\.bearer\.authorization\.k8s\.io\.([A-Za-z0-9_-]+)/.exec(protocols)?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString('utf8');
}
