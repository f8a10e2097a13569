import { createHash } from 'node:crypto';
import { type UserInfo } from '../kinds/strategy';
import { type TokenAuthenticator } from './authenticator';

export interface StaticToken {
  readonly token: string;
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
}

/** Reads upstream's token file: `token,user,uid,"group1,group2"` a line. */
export function parseTokenFile(text: string): StaticToken[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      );
      const [token = '', user = '', uid = '', groups = ''] = cells;
      return { token, user, uid, groups: groups.split(',').filter((group) => group !== '') };
    });
}

/** Tokens from configuration. Looked up by hash, so that timing tells nothing about them. */
export class StaticTokenAuthenticator implements TokenAuthenticator {
  private readonly users: ReadonlyMap<string, UserInfo>;

  constructor(tokens: readonly StaticToken[]) {
    this.users = new Map(
      tokens.map(({ token, user, uid, groups }) => [digest(token), { name: user, uid, groups } satisfies UserInfo]),
    );
  }

  authenticate(token: string): Promise<UserInfo | undefined> {
    return Promise.resolve(this.users.get(digest(token)));
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
