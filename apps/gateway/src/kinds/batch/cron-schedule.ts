/**
 * Checks a schedule of five fields and tells what is wrong in the words of robfig/cron, which upstream reads schedules with.
 */
export function scheduleProblem(schedule: string): string | undefined {
  if (schedule.startsWith('@')) return descriptorProblem(schedule);
  const words = schedule.trim() === '' ? [] : schedule.trim().split(/\s+/);
  if (words.length !== fields.length) {
    return `expected exactly 5 fields, found ${words.length}: [${words.join(' ')}]`;
  }
  for (const [index, field] of fields.entries()) {
    for (const part of (words[index] ?? '').split(',').filter((text) => text !== '')) {
      const problem = rangeProblem(part, field);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

interface Field {
  readonly low: number;
  readonly high: number;
  readonly names: readonly string[];
}

const months = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const fields: readonly Field[] = [
  { low: 0, high: 59, names: [] },
  { low: 0, high: 23, names: [] },
  { low: 1, high: 31, names: [] },
  { low: 1, high: 12, names: months },
  { low: 0, high: 6, names: days },
];

const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

function descriptorProblem(text: string): string | undefined {
  if (descriptors.includes(text)) return undefined;
  const every = /^@every (.*)$/s.exec(text)?.[1];
  if (every === undefined) return `unrecognized descriptor: ${text}`;
  if (/^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(every)) return undefined;
  return `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(every)}`;
}

/** `*`, `5`, `1-5`, and each of them with `/step`. */
function rangeProblem(text: string, field: Field): string | undefined {
  const [range = '', step, ...moreSteps] = text.split('/');
  const [from = '', to, ...moreBounds] = range.split('-');
  let low = field.low;
  let high = field.high;
  if (from !== '*' && from !== '?') {
    const start = numberOf(from, field);
    if (typeof start === 'string') return start;
    const end = to === undefined ? start : numberOf(to, field);
    if (moreBounds.length > 0) return `too many hyphens: ${text}`;
    if (typeof end === 'string') return end;
    low = start;
    high = to === undefined && step !== undefined ? field.high : end;
  }
  if (moreSteps.length > 0) return `too many slashes: ${text}`;
  const stride = step === undefined ? 1 : parseNumber(step);
  if (typeof stride === 'string') return stride;
  if (low < field.low) return `beginning of range (${low}) below minimum (${field.low}): ${text}`;
  if (high > field.high) return `end of range (${high}) above maximum (${field.high}): ${text}`;
  if (low > high) return `beginning of range (${low}) beyond end of range (${high}): ${text}`;
  return stride === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

/** The number, or what is wrong with it. */
function numberOf(text: string, { names }: Field): number | string {
  const named = names.indexOf(text.toLowerCase());
  return text !== '' && named >= 0 ? named : parseNumber(text);
}

function parseNumber(text: string): number | string {
  if (!/^[+-]?\d+$/.test(text)) {
    const quoted = JSON.stringify(text);
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${quoted}: invalid syntax`;
  }
  const value = Number(text);
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}
