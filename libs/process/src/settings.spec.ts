import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeSettings, readSettings, type Setting, SettingsError, type SettingsTable } from './settings';

const one = (kind: Setting['kind'], text: string, more: Partial<Setting> = {}): unknown =>
  readSettings({ X: { kind, help: 'what', ...more } }, { X: text })['X'];
const problems = (table: SettingsTable, env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    readSettings(table, env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
};

describe('settings', () => {
  it.each([
    ['string', 'a b', 'a b'],
    ['list', ' a, b,,c ', ['a', 'b', 'c']],
    ['urls', 'nats://a:1,nats://b:2', ['nats://a:1', 'nats://b:2']],
    ['integer', '42', 42],
    ['address', '127.0.0.1:6443', { host: '127.0.0.1', port: 6443 }],
    ['address', '[::1]:0', { host: '::1', port: 0 }],
    [
      'addresses',
      'a:1,b:2',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    ['ip', '10.0.0.1', '10.0.0.1'],
    ['cidr', '10.96.0.0/16', '10.96.0.0/16'],
    ['range', '30000-32767', [30_000, 32_767]],
    ['duration', '250ms', 250],
    ['duration', '1.5s', 1500],
    ['duration', '5m', 300_000],
    ['bool', 'true', true],
    ['bool', '0', false],
  ] as const)('reads the %s %j', (kind, text, value) => expect(one(kind, text)).toEqual(value));

  it.each([
    ['list', ','],
    ['urls', 'a b'],
    ['integer', '-1'],
    ['integer', '1e3'],
    ['address', '127.0.0.1'],
    ['address', ':1'],
    ['address', 'a:65536'],
    ['ip', '10.0.0.256'],
    ['cidr', '10.0.0.0'],
    ['cidr', '10.0.0.0/33'],
    ['range', '2-1'],
    ['range', '0-1'],
    ['duration', '5'],
    ['duration', '-5s'],
    ['bool', 'maybe'],
    ['file', '/nowhere/at/all'],
  ] as const)('refuses the %s %j in a sentence', (kind, text) => {
    expect(problems({ X: { kind, help: 'what' } }, { X: text })).toEqual([
      expect.stringMatching(new RegExp(`^X is ${JSON.stringify(text).replace(/[[\]().]/g, '.')}, but .+\\.$`)),
    ]);
  });

  it('reads the content of files', () => {
    const directory = mkdtempSync(join(tmpdir(), 'nestor-settings-'));
    writeFileSync(join(directory, 'f'), 'PEM');
    expect(one('file', join(directory, 'f'))).toBe('PEM');
    rmSync(directory, { recursive: true });
  });

  it('takes defaults for what is absent or empty, and ignores what it does not know', () => {
    const table = {
      A: { kind: 'integer', default: '7', help: 'a' },
      B: { kind: 'ip', optional: true, help: 'b' },
      C: { kind: 'choice', choices: ['x', 'y'], default: 'x', help: 'c' },
    } as const satisfies SettingsTable;
    expect(readSettings(table, { A: '', OTHER: 'whatever' })).toEqual({ A: 7, C: 'x' });
  });

  it('reports every mistake at once', () => {
    const table: SettingsTable = {
      A: { kind: 'integer', help: 'how many' },
      B: { kind: 'duration', default: '1s', help: 'b' },
      C: { kind: 'choice', choices: ['x', 'y'], help: 'c' },
    };
    expect(problems(table, { B: 'long', C: 'z' })).toEqual([
      'A is not set: how many.',
      'B is "long", but it must be a duration like 500ms, 15s or 5m.',
      'C is "z", but it must be one of x, y.',
    ]);
  });

  it('describes itself', () => {
    expect(
      describeSettings({
        A: { kind: 'duration', default: '5s', help: 'how long' },
        LONGER: { kind: 'choice', choices: ['x', 'y'], optional: true, help: 'which' },
      }),
    ).toBe('  A       how long (duration; default 5s)\n  LONGER  which (x | y; optional)\n');
  });
});
