// Runs one suite of the tests for as long as somebody wants, with settings from the command line instead of those of the gate.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

/**
 * Ends the process as the suite ends, or after its help.
 * @param suite path of the spec, as jest's pattern
 * @param prefix of the environment variables by which the suite is told: `--pods 3` is LEAKS_PODS=3
 * @param defaults by option; undefined: the suite's own
 */
export function runLongTest({ suite, prefix, help, defaults }) {
  const settings = Object.entries(defaults).map(([name, value]) => [name, { type: 'string', default: value }]);
  const options = { ...Object.fromEntries(settings), help: { type: 'boolean', short: 'h' } };
  const { help: wantsHelp, ...values } = parseArgs({ options }).values;
  if (wantsHelp) {
    process.stdout.write(help);
    process.exit(0);
  }
  const given = Object.entries(values).map(([name, value]) => [`${prefix}_${name.toUpperCase()}`, value]);
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
  const env = { ...process.env, ...Object.fromEntries(given) };
  const { status } = spawnSync(process.execPath, [jest, '--testPathPatterns', suite], { env, stdio: 'inherit' });
  process.exit(status ?? 1);
}
