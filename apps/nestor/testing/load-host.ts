import { extname, join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { type HostModule } from './contract';

/**
 * Loads the cluster with Node's own `require`, in the process's main context. A test runner that gives each test file a context and a module
 * loader of its own (jest) would otherwise load a thousand modules again for each file, could not load those that are ES modules only,
 * and, with fake timers, would stop the cluster's. In the main context all test files of a process share one copy. (ADR 13.)
 */
export function loadHost(): HostModule {
  const file = join(__dirname, `host${extname(__filename)}`);
  // In Nestor's own repository the source is TypeScript, which only the test runner's loader understands.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  if (extname(file) === '.ts') return require('./host') as HostModule;
  const load = runInThisContext(`(file) => process.getBuiltinModule('node:module').createRequire(file)(file)`) as (
    file: string,
  ) => HostModule;
  return load(file);
}
