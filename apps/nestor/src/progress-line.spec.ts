import { ProgressLine } from './progress-line';

function lineAt(isTTY: boolean) {
  let now = 0;
  let written = '';
  const clock = { now: () => now, monotonic: () => now, setTimer: () => ({ cancel: () => undefined }) };
  const line = new ProgressLine(clock, { isTTY, columns: 10, write: (text) => (written += text) });
  return { line, at: (ms: number) => (now = ms), written: () => written };
}

test('what is over in two seconds says nothing', () => {
  const { line, at, written } = lineAt(true);
  at(1_999);
  line.show(() => 'working');
  line.end();
  expect(written()).toBe('');
});

test('a terminal has one line, cut to fit, and clean in the end', () => {
  const { line, at, written } = lineAt(true);
  at(2_000);
  line.show(() => 'a long line of text');
  at(2_050);
  line.show(() => 'too soon');
  line.end();
  expect(written()).toBe('\ra long li\x1b[K\r\x1b[K');
});

test('a log has a line now and then', () => {
  const { line, at, written } = lineAt(false);
  for (const ms of [1_000, 2_000, 3_000, 7_000]) {
    at(ms);
    line.show(() => `${ms}`);
  }
  line.end();
  expect(written()).toBe('2000\n7000\n');
});
