// `npm test`: unit tests, then everything that starts processes, containers or brokers, in two lanes beside each other, since most of it
// waits. One closing line counts what ran.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'nestor-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };

/** Longest that a project may take; then it counts as failed. */
const LIMIT_MS = 40 * 60_000;
/** How long jest may take to end after its report: something that a test has left open must not hold everything up. */
const EXIT_MS = 20_000;

/** Suites that share what a machine has only one of: the container engine and the addresses of pods. The others need neither. */
const ENGINE = String.raw`test/(e2e/(?!bad-input|fake-cluster|node-identity|three-members)|compose|network|runtime/(?!hostile)|cluster/rolling-update)`;

/** Runs one jest project, or a lane of it, and adds its counts; a suite that cannot load counts as one failure. */
async function jest(project, args, lane = project) {
  const report = join(scratch, `${lane}.json`);
  const script = join(root, 'node_modules/jest/bin/jest.js');
  const options = ['--selectProjects', project, '--passWithNoTests', '--json', `--outputFile=${report}`];
  const child = spawn(process.execPath, [script, ...options, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const status = await ended(child, report);
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8'));
    const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
    total.passed += counts.numPassedTests;
    total.failed += failed;
    total.skipped += counts.numPendingTests;
    if (status !== 0 && failed === 0) total.failed += 1;
  } catch {
    // jest wrote no report: it did not get as far as running tests, or took too long.
    process.stdout.write(`${lane}: no report\n`);
    total.failed += 1;
  }
}

/** Resolves with the exit code. A jest that hangs after its report is ended, which is told, and judged by its report. */
function ended(child, report) {
  return new Promise((resolve) => {
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    let lastWords;
    const watch = setInterval(() => {
      if (!existsSync(report) || lastWords !== undefined) return;
      lastWords = setTimeout(() => {
        process.stdout.write('jest has not ended after its report: a test has left something open\n');
        child.kill('SIGKILL');
      }, EXIT_MS);
    }, 1000);
    child.once('exit', (code) => {
      clearTimeout(limit);
      clearTimeout(lastWords);
      clearInterval(watch);
      resolve(lastWords === undefined ? (code ?? 1) : 0);
    });
  });
}

const extra = process.argv.slice(2);
await jest('unit', extra);
await Promise.all([
  jest('e2e', ['--runInBand', '--testPathPatterns', ENGINE, ...extra], 'engine'),
  jest('e2e', ['--runInBand', '--testPathIgnorePatterns', ENGINE, ...extra], 'processes'),
]);
rmSync(scratch, { recursive: true, force: true });

if (process.env.CI && total.skipped > 0) {
  process.stdout.write(`${total.skipped} tests were skipped, which is a failure in CI\n`);
  total.failed += total.skipped;
}
if (total.skipped > 0)
  process.stdout.write(`${total.skipped} skipped: Docker, NATS or root is missing here (see above)\n`);
process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
