import { type DeepReadonly, type KubernetesObject } from '#machinery';

/** One change of one object. `DELETED` carries the last state, at the revision of the deletion. */
export interface ObjectEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly object: DeepReadonly<KubernetesObject>;
}

/**
 * Everything that happened to one resource in the interval `(prev, rev]` of store revisions. An informer at revision R
 * drops it if `rev <= R`, applies it if `prev <= R < rev`, and asks for a replay if `prev > R`. Empty intervals (one a
 * second) show that nothing was lost.
 */
export interface EventMessage {
  readonly prev: number;
  readonly rev: number;
  readonly events: readonly ObjectEvent[];
  /** Of a replay: it was cut, and goes on at `rev`. */
  readonly more?: boolean;
}

/** Whether a payload is what an event stream carries. Anything else is to be treated as a message that was lost. */
export function isEventMessage(payload: unknown): payload is EventMessage {
  if (typeof payload !== 'object' || payload === null) return false;
  const { prev, rev, events } = payload as Partial<EventMessage>;
  return isRevision(prev) && isRevision(rev) && prev <= rev && Array.isArray(events) && events.every(isObjectEvent);
}

function isObjectEvent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { type, revision, object } = value as Partial<ObjectEvent>;
  return isEventType(type) && isRevision(revision) && typeof object?.metadata?.name === 'string';
}

function isEventType(type: unknown): boolean {
  return type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED';
}

function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Event stream of a resource: `nestor.event.<group|core>.<plural>`. */
export function eventSubject(group: string, plural: string): string {
  return `nestor.event.${group === '' ? 'core' : group.replaceAll('.', '_')}.${plural}`;
}

/**
 * Requests to the API: `nestor.api.<base32(sender)>.<base32(user)>`. The sender is whom the connection belongs to, the user is
 * whom it acts as: mostly the same, but one process may hold several controllers.
 */
export function apiSubject(user: string, sender = user): string {
  return `nestor.api.${base32(sender)}.${base32(user)}`;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32 in lower case without padding: any text as one subject token. */
export function base32(text: string): string {
  let bits = 0;
  let value = 0;
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      out += ALPHABET.charAt((value >>> (bits - 5)) & 31);
      bits -= 5;
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? out + ALPHABET.charAt((value << (5 - bits)) & 31) : out;
}

/** The inverse of `base32`. Throws `RangeError` on other characters. */
export function unbase32(token: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of token) {
    const index = ALPHABET.indexOf(character);
    if (index < 0) throw new RangeError(`not base32: ${token}`);
    value = (value << 5) | index;
    bits += 5;
    if (bits >= 8) {
      bytes.push((value >>> (bits - 8)) & 255);
      bits -= 8;
    }
    value &= (1 << bits) - 1;
  }
  return Buffer.from(bytes).toString('utf8');
}
