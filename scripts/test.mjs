// `npm test`: unit tests, then everything that starts processes, containers or brokers, three suites at a time, since most of it
// waits. One closing line counts what ran.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suiteResults, TestSummary } from './test-summary.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'nestor-test-'));

/** Longest that a project may take; then it counts as failed. */
const LIMIT_MS = 25 * 60_000;
/** How long jest may take to end after its report: something that a test has left open must not hold everything up. */
const EXIT_MS = 20_000;
/** So many suites that failed beside others are run once more, alone. More than that are no accident. */
const SECOND_CHANCES = 2;

/** Suites that share what a machine has only one of, as node ports and the addresses that clusters choose. They run one after the other. */
const ENGINE = String.raw`test/(e2e/(?!bad-input|fake-cluster|node-identity|three-members|rootless)|network|runtime/(docker|leaks)|cluster/rolling-update)`;

/** Runs one jest project, or a lane of it. Resolves with a result for each suite, and one for the lane if that went wrong itself. */
async function jest(project, args, lane = project) {
  const report = join(scratch, `${lane}.json`);
  const script = join(root, 'node_modules/jest/bin/jest.js');
  const options = ['--selectProjects', project, '--passWithNoTests', '--json', `--outputFile=${report}`];
  const child = spawn(process.execPath, [script, ...options, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const status = await ended(child, report);
  const whole = (message) => ({ path: lane, seconds: 0, passed: 0, skipped: 0, failures: [{ name: lane, message }] });
  const content = readReport(report);
  // It did not get as far as running tests, or took too long.
  if (content === undefined) return [whole('no report')];
  const suites = suiteResults(content, root);
  const isExplained = status === 0 || suites.some(({ failures }) => failures.length > 0);
  return isExplained ? suites : [...suites, whole(`jest ended with ${status}`)];
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
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
const summary = new TestSummary();
summary.add(await jest('unit', ['--maxWorkers=2', ...extra]));
const lanes = await Promise.all([
  jest('e2e', ['--runInBand', '--testPathPatterns', ENGINE, ...extra], 'engine'),
  jest('e2e', ['--maxWorkers=2', '--testPathIgnorePatterns', ENGINE, ...extra], 'processes'),
]);
const suites = lanes.flat();
// Two processors that three suites share can starve a test of its time. What fails alone, too, is broken; what does not is named.
const failed = suites.filter(({ path, failures }) => failures.length > 0 && existsSync(join(root, path)));
for (const [index, first] of (failed.length <= SECOND_CHANCES ? failed : []).entries()) {
  const [second] = await jest('e2e', ['--runInBand', '--runTestsByPath', first.path, ...extra], `again-${index}`);
  if (second.failures.length > 0) continue;
  summary.addUnsteady(first.failures);
  suites[suites.indexOf(first)] = second;
}
summary.add(suites);
rmSync(scratch, { recursive: true, force: true });
process.exit(summary.print() ? 0 : 1);
