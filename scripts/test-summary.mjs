// What `npm test` says in the end of the suites that it has run.
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** How much of a failure the summary repeats, and how much of it its last lines do. */
const EXCERPT_LINES = 25;
const ESSENCE_LENGTH = 240;
/** How many of the slowest suites the summary names. */
const SLOWEST = 12;

/** Of jest's report: a result for each suite. A suite that cannot load has one failure, of its own name. */
export function suiteResults({ testResults }, root) {
  return testResults.map(({ name, startTime, endTime, message, assertionResults }) => {
    const path = relative(root, name);
    const of = (...wanted) => assertionResults.filter(({ status }) => wanted.includes(status));
    const failures = of('failed').map(({ fullName, failureMessages }) => ({
      name: `${path} > ${fullName}`,
      message: failureMessages.join('\n'),
    }));
    if (failures.length === 0 && message !== '') failures.push({ name: path, message });
    const skipped = of('pending', 'skipped', 'todo', 'disabled').length;
    return { path, seconds: (endTime - startTime) / 1000, passed: of('passed').length, skipped, failures };
  });
}

export class TestSummary {
  suites = [];
  unsteady = [];

  add(suites) {
    this.suites.push(...suites);
  }

  /** Failures that a second run, alone, did not have: the suite's result is the second one's. */
  addUnsteady(failures) {
    this.unsteady.push(...failures);
  }

  /** Writes it to standard output. Whether all is well. */
  print() {
    const { suites } = this;
    const count = (number) => suites.reduce((sum, suite) => sum + number(suite), 0);
    const failures = suites.flatMap((suite) => suite.failures);
    const passed = count((suite) => suite.passed);
    const skipped = count((suite) => suite.skipped);
    let failed = failures.length;
    for (const { path, seconds } of suites.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST))
      say(`${seconds.toFixed(0).padStart(5)} s  ${path}`);
    const told = [
      ...this.unsteady.map((failure) => ({ ...failure, label: 'unsteady (passed alone)' })),
      ...failures.map((failure) => ({ ...failure, label: 'failed' })),
    ];
    for (const { label, name, message } of told) say(`${label}: ${name}\n${excerpt(message)}`);
    // Once more, all in sight of each other: whoever reads the end only has to know what to mend.
    for (const { label, name, message } of told) say(`${label}: ${name}: ${essence(message)}`);
    if (process.env.CI && skipped > 0) {
      say(`${skipped} tests were skipped, which is a failure in CI`);
      failed += skipped;
    }
    if (skipped > 0) say(`${skipped} skipped: Docker, NATS or root is missing here (see above)`);
    say(`tests: ${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0;
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
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
