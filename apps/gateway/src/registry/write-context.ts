import { type Fence } from '#client';
import { type Clock, formatTime } from '#machinery';
import { type StrategyContext, type UserInfo } from '../kinds/strategy';
import { type WriteOptions } from '../request/options';

/** One write request, as all stages of the pipeline see it. */
export interface WriteContext {
  readonly user: UserInfo;
  readonly namespace: string;
  /** '' for creates and collections. */
  readonly name: string;
  readonly subresource: string;
  readonly options: WriteOptions;
  /** Field manager named by the client, else the first word of its user agent. */
  readonly manager: string;
  /** The leader's term in which the write has to happen, if it came from one. */
  readonly fence?: Fence;
  warn(message: string): void;
}

export function strategyContext(context: WriteContext, clock: Clock): StrategyContext {
  const nowMs = clock.now();
  const { user, namespace, subresource } = context;
  return { user, namespace, subresource, nowMs, now: formatTime(nowMs), dryRun: context.options.dryRun };
}

/** `prefixFromUserAgent`: what stands before the first slash, printable, at most 128 bytes. */
export function managerFromUserAgent(userAgent: string): string {
  const name = userAgent.split('/', 1)[0] ?? '';
  if (/^[ -~]{1,128}$/.test(name)) return name;
  let manager = '';
  for (const character of name) {
    if (/[\p{C}]/u.test(character)) continue;
    if (Buffer.byteLength(manager) + Buffer.byteLength(character) > 128) break;
    manager += character;
  }
  return manager === '' ? 'unknown' : manager;
}
