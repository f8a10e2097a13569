import fs from 'node:fs/promises';
import { isIP } from 'node:net';
import { type Clock } from '#machinery';
import { type Logger } from '#telemetry';
import { type UpstreamAddress } from './upstream';

/** resolv.conf(5): more are ignored by the C library, too. */
const MAX_SERVERS = 3;
/** How long the file is not looked at again. */
const FRESH_MS = 5000;

/** The name servers that a resolv.conf names. */
export function parseResolvConf(text: string): UpstreamAddress[] {
  return text
    .split('\n')
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter((address) => isIP(address.replace(/%.*/, '')) !== 0)
    .slice(0, MAX_SERVERS)
    .map((address) => ({ address, port: 53 }));
}

/** The servers of a file that may change at any time. A file that cannot be read leaves what was known before. */
export function watchedResolvConf(
  path: string,
  clock: Clock,
  logger: Logger,
): () => Promise<readonly UpstreamAddress[]> {
  let known: readonly UpstreamAddress[] = [];
  let readAt = -Infinity;
  return async () => {
    if (clock.monotonic() - readAt < FRESH_MS) return known;
    readAt = clock.monotonic();
    try {
      known = parseResolvConf(await fs.readFile(path, 'utf8'));
    } catch (error) {
      logger.warn({ err: error, path }, 'the name servers of this host cannot be read');
    }
    return known;
  };
}
