import { type Clock } from '#machinery';
import { type Author, authErrors, type KeyRange, type KeyValueStore, type StoreAdministration } from '#store';
import { type Caller, type Credentials } from './call';
import { Tokens } from './tokens';

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
  private readonly tokens: Tokens;

  /** @param administration undefined: the store behind knows no users */
  constructor(
    private readonly store: KeyValueStore,
    private readonly administration: StoreAdministration | undefined,
    clock: Clock,
  ) {
    this.tokens = new Tokens(clock);
  }

  /** @throws StoreError if the token is worth nothing. Who shows nothing is nobody, which may be enough. */
  recognise(credentials: Credentials): Caller {
    const { administration } = this;
    if (administration === undefined) return new UnquestionedCaller(this.store);
    const { isEnabled, revision } = administration.auth;
    const user = isEnabled ? this.userOf(credentials) : '';
    return new RecognisedCaller(administration, { user, revision });
  }

  /** Rejects if they are not this user's name and password. @returns a token */
  async authenticate(administration: StoreAdministration, name: string, password: string): Promise<string> {
    const since = await administration.checkPassword(name, password);
    const { appliedIndex } = await this.store.status();
    return this.tokens.issue({ user: name, since }, appliedIndex);
  }

  private userOf({ token, commonName = '' }: Credentials): string {
    if (token === undefined) return commonName;
    const bearer = this.tokens.use(token);
    // Deleted since then, or with another password.
    if (bearer === undefined || this.administration?.auth.user(bearer.user)?.since !== bearer.since) {
      throw authErrors.invalidAuthToken();
    }
    return bearer.user;
  }
}
