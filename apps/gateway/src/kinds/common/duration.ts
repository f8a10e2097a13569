const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const HOURS_A_DAY = 24;
const HOURS_A_YEAR = 365 * HOURS_A_DAY;

/** A duration as people read it (`duration.HumanDuration`): two units while the second one matters, one afterwards. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / SECOND);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(milliseconds / MINUTE);
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(milliseconds / HOUR);
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm');
  if (hours < 2 * HOURS_A_DAY) return `${hours}h`;
  const days = Math.trunc(hours / HOURS_A_DAY);
  if (hours < 8 * HOURS_A_DAY) return withRest(days, 'd', hours % HOURS_A_DAY, 'h');
  if (hours < 2 * HOURS_A_YEAR) return `${days}d`;
  const years = Math.trunc(hours / HOURS_A_YEAR);
  return hours < 8 * HOURS_A_YEAR ? withRest(years, 'y', days % 365, 'd') : `${years}y`;
}

/** How long ago a time was; `<unknown>` if there is none. */
export function ageOf(time: string | null | undefined, nowMs: number): string {
  return time === undefined || time === null ? '<unknown>' : humanDuration(nowMs - Date.parse(time));
}

function withRest(count: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${count}${unit}` : `${count}${unit}${rest}${restUnit}`;
}
