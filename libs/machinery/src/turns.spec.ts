import { Turns } from './turns';

/** Work that ends when told. */
function held(): { work: () => Promise<string>; end: () => void; fail: () => void; started: () => boolean } {
  let isStarted = false;
  let settle: { resolve: (value: string) => void; reject: (error: Error) => void } | undefined;
  const work = (): Promise<string> => {
    isStarted = true;
    return new Promise((resolve, reject) => (settle = { resolve, reject }));
  };
  return {
    work,
    end: () => settle?.resolve('done'),
    fail: () => settle?.reject(new Error('failed')),
    started: () => isStarted,
  };
}

describe('Turns', () => {
  it('lets so many work at a time, and the next in order when one ends, however it ends', async () => {
    const turns = new Turns(2);
    const all = Array.from({ length: 4 }, held);
    const results = all.map(({ work }) => turns.run(work));
    const started = (): boolean[] => all.map((one) => one.started());
    expect(started()).toEqual([true, true, false, false]);
    all[1]?.fail();
    await expect(results[1]).rejects.toThrow('failed');
    expect(started()).toEqual([true, true, true, false]);
    all[0]?.end();
    await expect(results[0]).resolves.toBe('done');
    expect(started()).toEqual([true, true, true, true]);
    all[2]?.end();
    all[3]?.end();
    await Promise.all([results[2], results[3]]);
    const later = held();
    void turns.run(later.work);
    expect(later.started()).toBe(true);
    later.end();
  });
});
