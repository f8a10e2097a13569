import { type Author, type KeyRange, type KeyValueStore } from '#store';

/** Who asks, as recognised just now. */
export interface Caller {
  readonly author: Author;
  /** The store as they may use it. */
  readonly store: KeyValueStore;
  /** @throws StoreError unless they may read all of it */
  checkRead(range: KeyRange): void;
  /** @throws StoreError unless they are somebody */
  checkUser(): void;
  /** @throws StoreError unless they have the role of root */
  checkAdmin(): void;
}

/** What a handler may know of the call that it answers. */
export interface Call {
  /** Asked for at each use, since it may change during a stream. @throws StoreError if it is not known who asks */
  caller(): Caller;
  /** Aborted when the client has gone away, or, with what the call ends with, when the server stops. */
  readonly signal: AbortSignal;
}

/** How a client says who it is. */
export interface Credentials {
  readonly token?: string;
  /** Of a verified client certificate. */
  readonly commonName?: string;
}
