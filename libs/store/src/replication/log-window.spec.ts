import fc from 'fast-check';
import { type Entry } from '#raft';
import { LogWindow } from './log-window';

const entry = (index: number, term = 1): Entry => ({ index, term, type: 'normal', data: Buffer.alloc(100, index) });
const windowFrom = (index: number): LogWindow =>
  new LogWindow(
    { index, term: 1 },
    () => ({ voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false }),
    () => undefined,
  );

describe('the window of the log', () => {
  it('has what was appended and not let go of, however both alternate', () => {
    const step = fc.record({ appended: fc.nat(40), replaced: fc.nat(3), kept: fc.nat(30) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const window = windowFrom(10);
        let held: Entry[] = [];
        let last = 10;
        let term = 1;
        for (const { appended, replaced, kept } of steps) {
          const from = last - Math.min(replaced, held.length) + 1;
          term++;
          const entries = Array.from({ length: appended }, (_, n) => entry(from + n, term));
          window.append(entries);
          if (appended > 0) {
            held = [...held.filter(({ index }) => index < from), ...entries];
            last = from + appended - 1;
          }
          // Each is taken to cost 356 bytes.
          window.trim(last, kept * 356);
          held = held.slice(-kept || held.length);
          expect([window.firstIndex(), window.lastIndex()]).toEqual([last - held.length + 1, last]);
          if (held.length > 0) expect(window.entries(window.firstIndex(), last + 1, Infinity)).toEqual(held);
          for (const { index, term: of } of held) expect(window.term(index)).toBe(of);
          expect(window.term(window.firstIndex() - 2)).toBeUndefined();
          expect(window.term(last + 1)).toBeUndefined();
        }
      }),
    );
  });
});
