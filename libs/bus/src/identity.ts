import { apiSubject, base32 } from './event-message';

/** Whom a connection belongs to. */
export interface BusIdentity {
  readonly user: string;
  /** What to show the broker now; asked at every connect. */
  credentials(): BusCredentials;
  /** There are new credentials: the connection takes them up. Returns a function that removes the listener. */
  onRenewed(listener: () => void): () => void;
}

export interface BusCredentials {
  /** A user's JWT, which expires. */
  readonly token: string;
  /** `SU…`. Secret. */
  readonly seed: string;
}

/** Where answers to a user come; nobody else may listen there. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${base32(user)}`;
}

/** What a component may publish: requests, as itself and as those whom it may act for. */
export function requestSubjects(user: string, actsAs: readonly string[]): string[] {
  return [user, ...actsAs].map((as) => apiSubject(as, user));
}

/**
 * Whether an answer may go to `reply`: into the inbox of the sender, which is the third token of the subject. A server may
 * publish what its callers may not, and would otherwise do it for whoever names such a subject for the reply.
 */
export function isReplyToSender(subject: string, reply: string): boolean {
  const sender = subject.split('.')[2];
  return sender !== undefined && reply.startsWith(`_INBOX_${sender}.`);
}
