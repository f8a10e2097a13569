export type HealthEndpoint = 'healthz' | 'livez' | 'readyz';

/** One thing that health endpoints look at. */
export interface HealthCheck {
  readonly name: string;
  /** Rejects or throws if it is not well. */
  check(): void | Promise<void>;
  /** Endpoints that show it. */
  readonly on: readonly HealthEndpoint[];
}

export interface HealthAnswer {
  /** HTTP status code. */
  readonly status: 200 | 404 | 500;
  /** Plain text. */
  readonly text: string;
}

/**
 * Answers `/healthz`, `/livez`, `/readyz` and each check below them as upstream's `healthz` package does, with `?verbose` and
 * `?exclude=`. Undefined: the path is another.
 */
export async function answerHealth(
  checks: readonly HealthCheck[],
  path: string,
  query: URLSearchParams,
): Promise<HealthAnswer | undefined> {
  const match = /^\/(healthz|livez|readyz)(?:\/(.*))?$/.exec(path);
  if (match === null) return undefined;
  const endpoint = match[1] as HealthEndpoint;
  const mine = checks.filter(({ on }) => on.includes(endpoint));
  const single = match[2] ?? '';
  if (single !== '') {
    const check = mine.find(({ name }) => name === single);
    if (check === undefined) return { status: 404, text: '404 page not found\n' };
    return (await passes(check))
      ? { status: 200, text: 'ok' }
      : { status: 500, text: 'internal server error: check failed\n' };
  }
  const excluded = new Set(query.getAll('exclude'));
  const lines: string[] = [];
  let failed = false;
  for (const check of mine) {
    if (excluded.delete(check.name)) lines.push(`[+]${check.name} excluded: ok\n`);
    else if (await passes(check)) lines.push(`[+]${check.name} ok\n`);
    else {
      failed = true;
      lines.push(`[-]${check.name} failed: reason withheld\n`);
    }
  }
  if (excluded.size > 0) {
    const names = [...excluded].map((name) => `"${name}"`).join(', ');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}\n`);
  }
  if (failed) return { status: 500, text: `${lines.join('')}${endpoint} check failed\n` };
  return { status: 200, text: query.has('verbose') ? `${lines.join('')}${endpoint} check passed\n` : 'ok' };
}

async function passes(check: HealthCheck): Promise<boolean> {
  try {
    await check.check();
    return true;
  } catch {
    // The reason is withheld from clients on purpose; the component that failed has logged it.
    return false;
  }
}
