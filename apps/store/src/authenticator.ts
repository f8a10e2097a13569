import { type Author, authErrors, type KeyRange, type KeyValueStore, type StoreAdministration } from '#store';
import { type Caller, type Credentials } from './call';

class RecognisedCaller implements Caller {
  constructor(
    private readonly administration: StoreAdministration,
    readonly author: Author,
  ) {}

  get store(): KeyValueStore {
    return this.administration.authorized(this.author);
  }

  checkRead(range: KeyRange): void {
    this.administration.auth.check(this.author, 'read', range);
  }

  checkUser(): void {
    this.administration.auth.checkUser(this.author);
  }

  checkAdmin(): void {
    this.administration.auth.checkAdmin(this.author);
  }
}

/** Of a store that knows no users. */
class UnquestionedCaller implements Caller {
  readonly author: Author = { user: '', revision: 0 };

  constructor(readonly store: KeyValueStore) {}

  checkRead(): void {
    // Everybody may.
  }

  checkUser(): void {
    // Everybody is.
  }

  checkAdmin(): void {
    // Everybody is.
  }
}

/** Recognises who asks: by a token, or by the name in a client certificate. */
export class Authenticator {
  /** @param administration undefined: the store behind knows no users */
  constructor(
    private readonly store: KeyValueStore,
    private readonly administration: StoreAdministration | undefined,
  ) {}

  /** Undefined: the caller can be recognised. Otherwise resolves when they can: another member has only just given them their token. */
  ready(credentials: Credentials): Promise<void> | undefined {
    const { administration } = this;
    if (administration?.auth.isEnabled !== true) return undefined;
    const { token } = credentials;
    return token === undefined ? undefined : administration.settleToken(token);
  }

  /** @throws StoreError if the token is worth nothing. Who shows nothing is nobody, which may be enough. */
  recognise(credentials: Credentials): Caller {
    const { administration } = this;
    if (administration === undefined) return new UnquestionedCaller(this.store);
    const { isEnabled, revision } = administration.auth;
    const user = isEnabled ? userOf(administration, credentials) : '';
    return new RecognisedCaller(administration, { user, revision });
  }
}

function userOf(administration: StoreAdministration, { token, commonName = '' }: Credentials): string {
  if (token === undefined) return commonName;
  const user = administration.userOf(token);
  if (user === undefined) throw authErrors.invalidAuthToken();
  return user;
}
