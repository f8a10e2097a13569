// `npm test`: unit tests, then everything that starts processes, containers or brokers, three suites at a time, since most of it
// waits. One closing line counts what ran.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'nestor-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, by name, and what was said: the lanes' reports are mixed and long. */
const failures = [];
/** Suites and the seconds that they took. */
const durations = [];

/** Longest that a project may take; then it counts as failed. */
const LIMIT_MS = 25 * 60_000;
/** How long jest may take to end after its report: something that a test has left open must not hold everything up. */
const EXIT_MS = 20_000;
/** How much of a failure the summary repeats, and how much of it its last lines do. */
const EXCERPT_LINES = 25;
const ESSENCE_LENGTH = 240;
/** How many of the slowest suites the summary names. */
const SLOWEST = 12;

/** Suites that share what a machine has only one of, as node ports and the addresses that clusters choose. They run one after the other. */
const ENGINE = String.raw`test/(e2e/(?!bad-input|fake-cluster|node-identity|three-members|rootless)|network|runtime/(docker|leaks)|cluster/rolling-update)`;

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
  const counts = readReport(report);
  if (counts === undefined) {
    // It did not get as far as running tests, or took too long.
    failures.push({ name: lane, message: 'no report' });
    total.failed += 1;
    return;
  }
  const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
  total.passed += counts.numPassedTests;
  total.failed += failed;
  total.skipped += counts.numPendingTests;
  for (const suite of counts.testResults) note(suite);
  if (status !== 0 && failed === 0) {
    failures.push({ name: lane, message: `jest ended with ${status}` });
    total.failed += 1;
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Keeps of one suite's report what the summary tells. */
function note({ name, startTime, endTime, message, assertionResults }) {
  const path = relative(root, name);
  durations.push({ path, seconds: (endTime - startTime) / 1000 });
  const failed = assertionResults.filter(({ status }) => status === 'failed');
  for (const { fullName, failureMessages } of failed)
    failures.push({ name: `${path} > ${fullName}`, message: failureMessages.join('\n') });
  if (failed.length === 0 && message !== '') failures.push({ name: path, message });
}

/** Without colours and without what the test runner calls. */
function linesOf(message) {
  const lines = stripVTControlCharacters(message).split('\n');
  return lines.filter((line) => line.trim() !== '' && !/^\s*at .*node_modules/.test(line));
}

/** The beginning of a message, indented. */
function excerpt(message) {
  return linesOf(message)
    .slice(0, EXCERPT_LINES)
    .map((line) => `    ${line.slice(0, 200)}`)
    .join('\n');
}

/** A message on one line. */
function essence(message) {
  return linesOf(message)
    .join(' ')
    .replace(/\s+/g, ' ')
    .replace('Error: expect(received).', '')
    .slice(0, ESSENCE_LENGTH);
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
await jest('unit', ['--maxWorkers=2', ...extra]);
await Promise.all([
  jest('e2e', ['--runInBand', '--testPathPatterns', ENGINE, ...extra], 'engine'),
  jest('e2e', ['--maxWorkers=2', '--testPathIgnorePatterns', ENGINE, ...extra], 'processes'),
]);
rmSync(scratch, { recursive: true, force: true });

for (const { path, seconds } of durations.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST))
  process.stdout.write(`${seconds.toFixed(0).padStart(5)} s  ${path}\n`);
for (const { name, message } of failures) process.stdout.write(`failed: ${name}\n${excerpt(message)}\n`);
// Once more, all in sight of each other: whoever reads the end only has to know what to mend.
for (const { name, message } of failures) process.stdout.write(`failed: ${name}: ${essence(message)}\n`);
if (process.env.CI && total.skipped > 0) {
  process.stdout.write(`${total.skipped} tests were skipped, which is a failure in CI\n`);
  total.failed += total.skipped;
}
if (total.skipped > 0)
  process.stdout.write(`${total.skipped} skipped: Docker, NATS or root is missing here (see above)\n`);
process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
