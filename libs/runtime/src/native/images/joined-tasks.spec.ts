import { SharedTasks } from './joined-tasks';

/** A task that ends when told. */
function controlled() {
  let settle: { resolve(value: string): void; reject(error: Error): void } | undefined;
  const starts: AbortSignal[] = [];
  const start = (signal: AbortSignal, report: (progress: number) => void): Promise<string> => {
    starts.push(signal);
    report(starts.length);
    return new Promise((resolve, reject) => {
      settle = { resolve, reject };
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  };
  return {
    start,
    starts,
    resolve: (value: string) => settle?.resolve(value),
    reject: (error: Error) => settle?.reject(error),
  };
}

test('several wait for one run', async () => {
  const tasks = new SharedTasks<string, number>();
  const task = controlled();
  const both = [tasks.run('a', {}, task.start), tasks.run('a', {}, task.start)];
  task.resolve('done');
  expect(await Promise.all(both)).toEqual(['done', 'done']);
  expect(task.starts).toHaveLength(1);
});

test('who joined a run that fails tries again', async () => {
  const tasks = new SharedTasks<string, number>();
  const task = controlled();
  const first = tasks.run('a', {}, task.start);
  const second = tasks.run('a', {}, task.start);
  task.reject(new Error('not you'));
  await expect(first).rejects.toThrow('not you');
  await new Promise(setImmediate);
  expect(task.starts).toHaveLength(2);
  task.resolve('done');
  expect(await second).toBe('done');
});

test('it goes on while anybody waits, and is aborted when nobody does', async () => {
  const tasks = new SharedTasks<string, number>();
  const task = controlled();
  const [one, two] = [new AbortController(), new AbortController()];
  const waits = [one, two].map(({ signal }) =>
    tasks.run('a', { signal }, task.start).catch((error: Error) => error.message),
  );
  one.abort(new Error('one has gone'));
  expect(await waits[0]).toBe('one has gone');
  expect(task.starts[0]?.aborted).toBe(false);
  two.abort(new Error('two has gone'));
  expect(await waits[1]).toBe('two has gone');
  expect(task.starts[0]?.aborted).toBe(true);
});
