// `npm test`: unit tests, then everything that starts processes, containers or brokers. One closing line counts what ran.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'nestor-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };

/** Runs one jest project and adds its counts; a suite that cannot load counts as one failure. */
function jest(project, args) {
  const report = join(scratch, `${project}.json`);
  const result = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/jest/bin/jest.js'),
      '--selectProjects',
      project,
      '--passWithNoTests',
      '--json',
      `--outputFile=${report}`,
      ...args,
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8'));
    total.passed += counts.numPassedTests;
    total.failed += counts.numFailedTests + counts.numRuntimeErrorTestSuites;
    total.skipped += counts.numPendingTests;
    if (result.status !== 0 && counts.numFailedTests + counts.numRuntimeErrorTestSuites === 0) total.failed += 1;
  } catch {
    // jest wrote no report: it did not get as far as running tests.
    total.failed += 1;
  }
}

const extra = process.argv.slice(2);
jest('unit', extra);
jest('e2e', ['--runInBand', ...extra]);
rmSync(scratch, { recursive: true, force: true });

if (process.env.CI && total.skipped > 0) {
  process.stdout.write(`${total.skipped} tests were skipped, which is a failure in CI\n`);
  total.failed += total.skipped;
}
if (total.skipped > 0)
  process.stdout.write(`${total.skipped} skipped: Docker, NATS or root is missing here (see above)\n`);
process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
