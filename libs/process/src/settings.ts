import { type Kinds, parsers } from './setting-kinds';

/** One environment variable. */
export interface Setting {
  readonly kind: keyof Kinds;
  /** One line, without a full stop. */
  readonly help: string;
  /** As it would stand in the environment. Neither this nor `optional`: the variable has to be set. */
  readonly default?: string;
  /** Absent is a value of its own. */
  readonly optional?: true;
  /** For the kind `choice`. */
  readonly choices?: readonly string[];
}

/** What an app can be told, by the variable's name. */
export type SettingsTable = Readonly<Record<string, Setting>>;

type Value<S extends Setting> = S extends { readonly choices: readonly (infer C)[] } ? C : Kinds[S['kind']];

/** The values of a table, by the variable's name. */
export type Settings<T extends SettingsTable> = {
  readonly [Name in keyof T]: T[Name] extends { readonly optional: true } ? Value<T[Name]> | undefined : Value<T[Name]>;
};

/** Everything that is wrong with the environment, a sentence each. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/**
 * Reads a table from the environment; variables that it does not name are ignored, empty ones count as absent.
 * @throws SettingsError with all mistakes at once
 */
export function readSettings<T extends SettingsTable>(table: T, env: NodeJS.ProcessEnv): Settings<T> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(table)) {
    const text = env[name] === undefined || env[name] === '' ? setting.default : env[name];
    if (text === undefined) {
      if (setting.optional !== true) problems.push(`${name} is not set: ${setting.help}.`);
      continue;
    }
    try {
      values[name] = parsers[setting.kind](text, setting);
    } catch (error) {
      problems.push(`${name} is ${JSON.stringify(text)}, but ${(error as Error).message}.`);
    }
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return values as Settings<T>;
}

/** The table as `--help` prints it. */
export function describeSettings(table: SettingsTable): string {
  const names = Object.keys(table);
  const width = Math.max(...names.map((name) => name.length));
  return names
    .map((name) => {
      const setting = table[name] as Setting;
      return `  ${name.padEnd(width)}  ${setting.help} (${kindOf(setting)}; ${defaultOf(setting)})\n`;
    })
    .join('');
}

/** `choice of docker, fake`, `duration`. */
export function kindOf({ kind, choices }: Setting): string {
  return choices === undefined ? kind : `${choices.join(' | ')}`;
}

/** `default 15s`, `optional`, `required`. */
export function defaultOf(setting: Setting): string {
  if (setting.default !== undefined) return `default ${setting.default}`;
  return setting.optional === true ? 'optional' : 'required';
}
