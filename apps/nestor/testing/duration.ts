/** Go's units, and days. */
const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `'10m'`, `'1h30m'`, `'2.5s'`, `'3d'`, or of a number of them. @throws TypeError for anything else, and below zero */
export function durationMs(duration: number | string): number {
  if (typeof duration === 'number') {
    if (Number.isFinite(duration) && duration >= 0) return duration;
  } else if (/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(duration)) {
    let total = 0;
    for (const [, amount, unit = ''] of duration.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
      total += Number(amount) * (units[unit] ?? 0);
    }
    return total;
  }
  throw new TypeError(
    `${JSON.stringify(duration)} is no duration: use milliseconds, or text such as '500ms', '10m', '1h30m', '3d'`,
  );
}
