import { type Clock } from '#machinery';
import {
  type AuthoredStore,
  type AuthRequest,
  type KeysHash,
  type Standing,
  type StoreAdministration,
} from './administration';
import { type Alarm, type AlarmType } from './alarms';
import { type Author } from './auth/auth-change';
import { authErrors } from './auth/auth-errors';
import { type AuthState } from './auth/auth-state';
import { AuthorizedStore } from './auth/authorized-store';
import { PasswordHasher } from './auth/password';
import { digestOf, indexOf, newSecret, Tokens } from './auth/tokens';
import { crc32c } from './checksums';
import { storeErrors } from './errors';
import { type Identity } from './file-header';
import { type Command } from './command';
import { hashKeys } from './hash';
import { type KeyValueStore } from './key-value-store';
import { Keyspace } from './mvcc/keyspace';
import { type Response, type Responses, type StateMachine } from './state-machine';
import { downloadSnapshot, type SnapshotDownload } from './snapshot/download';
import { snapshotSections, takePicture } from './snapshot/snapshot-sections';
import { checkWhole } from './validate';

export interface LocalAdministrationOptions {
  readonly store: AuthoredStore;
  readonly machine: StateMachine;
  readonly identity: Identity;
  readonly quotaBytes: number;
  readonly clock: Clock;
  propose<C extends Command>(command: C): Promise<Responses[C['type']]>;
  /** Keeps compaction off; returns the release. */
  hold(): () => void;
  hasLeader(): boolean;
  /** Undefined: what is known here is all there is. */
  linearize(): Promise<void> | undefined;
  /** Undefined: there is a state to be read. */
  present(): Promise<void> | undefined;
  /** A short step of letting go of what was compacted. @returns true if nothing is left, or nothing may be let go of now */
  releaseSlice(): boolean;
}

/** The administration of a store in this process. */
export class LocalAdministration implements StoreAdministration {
  private readonly passwords = new PasswordHasher();
  private readonly tokens: Tokens;
  readonly quotaBytes: number;

  constructor(private readonly options: LocalAdministrationOptions) {
    this.quotaBytes = options.quotaBytes;
    this.tokens = new Tokens(() => options.clock.monotonic());
  }

  get standing(): Standing {
    const { machine, identity } = this.options;
    const isLearner = machine.membership.members.get(identity.memberId)?.isLearner ?? false;
    return { hasLeader: this.options.hasLeader(), isLearner };
  }

  get auth(): AuthState {
    return this.options.machine.auth;
  }

  authorized(author: Author): KeyValueStore {
    return new AuthorizedStore(this.options.store, this.options.machine, author);
  }

  async changeAuth(request: AuthRequest, author?: Author): Promise<void> {
    // Who may not is told so before hashing, which takes its time.
    if (author !== undefined) this.auth.checkAdmin(author);
    const change = await this.hashed(request);
    await this.options.propose({ type: 'auth', change, author });
  }

  async authenticate(name: string, password: string): Promise<string> {
    await this.settle();
    if (!this.auth.isEnabled) throw authErrors.authNotEnabled();
    const user = this.auth.user(name);
    const isRight = await this.passwords.verify(password, user?.password);
    if (user === undefined || !isRight) throw authErrors.authFailed();
    const secret = newSecret();
    const token = { user: name, since: user.since, digest: digestOf(secret) };
    return `${secret}.${await this.options.propose({ type: 'token', token })}`;
  }

  userOf(token: string): string | undefined {
    const bearer = this.tokens.use(token);
    // Deleted since then, or with another password.
    return bearer !== undefined && this.auth.user(bearer.user)?.since === bearer.since ? bearer.user : undefined;
  }

  settleToken(token: string): Promise<void> | undefined {
    const isAhead = (indexOf(token) ?? 0) > this.options.machine.appliedIndex;
    return isAhead ? this.options.linearize() : undefined;
  }

  async settle(): Promise<void> {
    await this.options.linearize();
  }

  /** What was applied without a refusal. */
  onApplied(command: Command, response: Response): void {
    if (command.type === 'token') this.tokens.admit(command.token, response as Responses['token']);
    if (command.type === 'auth' && command.change.kind === 'disable') this.tokens.clear();
  }

  alarms(type?: AlarmType): readonly Alarm[] {
    return this.options.machine.alarms.list(type);
  }

  changeAlarm(action: 'raise' | 'disarm', alarm: Alarm, author?: Author): Promise<readonly Alarm[]> {
    return this.options.propose({ type: 'alarm', action, alarm, author });
  }

  async hash(): Promise<{ hash: number; revision: number }> {
    const { machine } = this.options;
    return this.withPicture(async () => {
      const picture = takePicture(machine);
      // Neither who tells it nor in which term, but what there is beside the keys.
      const rest = { ...picture, index: 0, term: 0, tree: new Keyspace().picture() };
      let seed = 0;
      for (const section of snapshotSections({ clusterId: 0n, memberId: 0n }, rest)) {
        seed = crc32c(section, 0, section.length, seed);
      }
      return { hash: await hashKeys(picture.tree, picture, seed), revision: picture.revision };
    });
  }

  async hashKeys(revision: number): Promise<KeysHash> {
    checkWhole('revision', revision);
    return this.withPicture(async () => {
      const { keyspace } = this.options.machine;
      const { revision: current, compactRevision } = keyspace;
      if (revision > current) throw storeErrors.futureRevision();
      if (revision > 0 && revision < compactRevision) throw storeErrors.compacted(compactRevision);
      const hashRevision = revision === 0 ? current : revision;
      const hash = await hashKeys(keyspace.picture(), { revision: hashRevision, compactRevision });
      return { hash, revision: current, hashRevision, compactRevision };
    });
  }

  async snapshot(): Promise<SnapshotDownload> {
    await this.options.present();
    const release = this.options.hold();
    return downloadSnapshot(this.options.identity, takePicture(this.options.machine), release);
  }

  async defragment(): Promise<void> {
    while (!this.options.releaseSlice()) await new Promise((resolve) => setImmediate(resolve));
  }

  private async hashed(request: AuthRequest): Promise<AuthRequest> {
    if (request.kind !== 'user-add' && request.kind !== 'user-change-password') return request;
    if (request.password === undefined) return request;
    return { ...request, password: await this.passwords.hash(request.password) };
  }

  private async withPicture<T>(work: () => Promise<T>): Promise<T> {
    await this.options.present();
    const release = this.options.hold();
    try {
      return await work();
    } finally {
      release();
    }
  }
}
