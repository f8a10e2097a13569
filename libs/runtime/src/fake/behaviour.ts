import { milliValue, parseQuantity, QuantityError, wholeValue } from '#machinery';

/** What a simulated container does. */
export interface Behaviour {
  /** Between start and running, in milliseconds. */
  readonly startDelayMs: number;
  /** The start fails with this message. */
  readonly startError?: string;
  /** Milliseconds after the start; absent: runs until it is stopped. */
  readonly exitAfterMs?: number;
  readonly exitCode: number;
  readonly isOutOfMemory: boolean;
  /** Written at the start, a line each. */
  readonly output: readonly string[];
  /** How long it takes to end after SIGTERM. */
  readonly terminationDelayMs: number;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

const prefix = 'nestor.dev/fake-';

type Setting = (value: string) => Partial<Behaviour>;

/**
 * Annotations of a pod, after `nestor.dev/fake-`. Each can be followed by `.<container>`, and then holds for that container only.
 * A value that cannot be read is ignored: a simulation has no way to refuse a pod.
 */
const settings: Readonly<Record<string, Setting>> = {
  'start-delay': (value) => ({ startDelayMs: milliseconds(value) ?? 0 }),
  'start-error': (value) => ({ startError: value }),
  'exit-after': (value) => ({ exitAfterMs: milliseconds(value) ?? 0 }),
  'exit-code': (value) => ({ exitCode: Number.parseInt(value, 10) || 0 }),
  'exit-reason': (value) => ({ isOutOfMemory: value === 'OOMKilled' }),
  output: (value) => ({ output: value.split('\n') }),
  'termination-delay': (value) => ({ terminationDelayMs: milliseconds(value) ?? 0 }),
  cpu: (value) => ({ cpuMilli: quantity(value, milliValue) }),
  memory: (value) => ({ memoryBytes: quantity(value, wholeValue) }),
};

const idle: Behaviour = {
  startDelayMs: 0,
  exitCode: 0,
  isOutOfMemory: false,
  output: [],
  terminationDelayMs: 0,
  cpuMilli: 1,
  memoryBytes: 8 * 1024 * 1024,
};

/** What a container does: what its command says as far as it is understood, then the pod's annotations. */
export function behaviourOf(
  annotations: Readonly<Record<string, string>>,
  container: string,
  words: readonly string[],
): Behaviour {
  let behaviour = words.length === 0 ? idle : { ...idle, ...simulateCommand(words) };
  for (const key in annotations) {
    if (!key.startsWith(prefix)) continue;
    const [name = '', only] = split(key.slice(prefix.length));
    const value = annotations[key];
    if (value === undefined || (only !== undefined && only !== container)) continue;
    behaviour = { ...behaviour, ...settings[name]?.(value) };
  }
  // An exit code alone means that it ends.
  if (behaviour.exitAfterMs === undefined && (behaviour.exitCode !== 0 || behaviour.isOutOfMemory)) {
    behaviour = { ...behaviour, exitAfterMs: 0 };
  }
  return behaviour.isOutOfMemory ? { ...behaviour, exitCode: 137 } : behaviour;
}

/** What a simulated command prints, and when it ends: absent, never. */
export interface CommandResult {
  readonly output: readonly string[];
  readonly exitCode: number;
  readonly exitAfterMs?: number;
}

type Command = (args: readonly string[]) => Partial<CommandResult>;

/** The commands that are understood; all others run for ever. */
const commands: Readonly<Record<string, Command>> = {
  true: () => ({ exitAfterMs: 0 }),
  false: () => ({ exitCode: 1, exitAfterMs: 0 }),
  echo: (args) => ({ output: [args.join(' ')], exitAfterMs: 0 }),
  cat: () => ({ exitAfterMs: 0 }),
  exit: ([code]) => ({ exitCode: Number.parseInt(code ?? '0', 10) || 0, exitAfterMs: 0 }),
  sleep: ([time]) => (time === 'infinity' ? {} : { exitAfterMs: (Number.parseFloat(time ?? '0') || 0) * 1000 }),
  exec: (args) => simulateCommand(args),
};

/** Runs `words` in the imagination. `sh -c` scripts are split at `;`, `&&` and line ends; redirections and what is not known do nothing. */
export function simulateCommand(words: readonly string[]): CommandResult {
  const [program = '', ...args] = words;
  const name = program.slice(program.lastIndexOf('/') + 1);
  if ((name === 'sh' || name === 'bash') && args[0] === '-c') return simulateScript(args[1] ?? '');
  return { output: [], exitCode: 0, ...commands[name]?.(args) };
}

function simulateScript(script: string): CommandResult {
  const output: string[] = [];
  let elapsed = 0;
  for (const statement of script.split(/;|&&|\n/)) {
    const words = statement.trim().split(/\s+/).map(unquote);
    const [name = ''] = words;
    if (!Object.hasOwn(commands, name)) continue;
    const result = simulateCommand(words);
    if (!words.includes('>') && !words.includes('>>')) output.push(...result.output);
    if (result.exitAfterMs === undefined) return { output, exitCode: 0 };
    elapsed += result.exitAfterMs;
    if (name === 'exit' || name === 'exec' || result.exitCode !== 0) {
      return { output, exitCode: result.exitCode, exitAfterMs: elapsed };
    }
  }
  const isKnown = script
    .split(/;|&&|\n/)
    .every((statement) => Object.hasOwn(commands, statement.trim().split(/\s+/)[0] ?? ''));
  return isKnown ? { output, exitCode: 0, exitAfterMs: elapsed } : { output, exitCode: 0 };
}

function unquote(word: string): string {
  return /^(["']).*\1$/.test(word) ? word.slice(1, -1) : word;
}

function split(name: string): [string, string | undefined] {
  const dot = name.indexOf('.');
  return dot < 0 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)];
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function milliseconds(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (units[match[2] ?? ''] ?? 0);
}

function quantity(text: string, read: (value: ReturnType<typeof parseQuantity>) => bigint | number): number {
  try {
    return Number(read(parseQuantity(text)));
  } catch (error) {
    if (error instanceof QuantityError) return 0;
    throw error;
  }
}
