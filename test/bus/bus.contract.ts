import { BusError, type Bus, type Message } from '#bus';

export interface BusUnderTest {
  /** Two parties that talk to each other; the same bus twice in one process. */
  readonly a: Bus;
  readonly b: Bus;
  close(): Promise<void>;
}

/** What every bus promises. Run by each transport's spec. */
export function busContract(open: () => Promise<BusUnderTest>): void {
  let test: BusUnderTest;
  let a: Bus;
  let b: Bus;
  beforeEach(async () => {
    test = await open();
    ({ a, b } = test);
  });
  afterEach(() => test.close());

  /** Collects until `count` messages have come. */
  const collect = async (subject: string, count: number, act: () => void): Promise<Message[]> => {
    const messages: Message[] = [];
    const subscription = await new Promise<{ close(): void }>((resolve) => {
      const handle = b.subscribe(subject, (message) => {
        messages.push(message);
        if (messages.length === count) resolve(handle);
      });
      void b.flush().then(act);
    });
    subscription.close();
    return messages;
  };

  it('delivers to subscribers of the subject, in order', async () => {
    const messages = await collect('x.y', 100, () => {
      for (let i = 0; i < 100; i++) {
        a.publish('x.other', { i: -1 });
        a.publish('x.y', { i });
      }
    });
    expect(messages.map(({ payload }) => (payload as { i: number }).i)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it.each([
    ['a.*.c', ['a.b.c'], ['a.c', 'a.b.c.d']],
    ['a.>', ['a.b', 'a.b.c'], ['a', 'b.a']],
    ['*.b', ['a.b'], ['b', 'a.b.c']],
  ])('matches %s', async (pattern, matching, other) => {
    const messages = await collect(pattern, matching.length, () => {
      for (const subject of other) a.publish(subject, {});
      for (const subject of matching) a.publish(subject, {});
    });
    expect(messages.map(({ subject }) => subject)).toEqual(matching);
  });

  it('gives payloads nobody can change, without undefined parts in between', async () => {
    const [message] = await collect('x', 1, () => a.publish('x', { list: [1, { deep: 'ü€😀' }], nothing: null }));
    expect(message?.payload).toEqual({ list: [1, { deep: 'ü€😀' }], nothing: null });
    expect(Object.isFrozen((message?.payload as { list: object[] }).list[1])).toBe(true);
  });

  it('calls a slow handler for one message at a time', async () => {
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    await new Promise<void>((resolve) => {
      b.subscribe('slow', async ({ payload }) => {
        most = Math.max(most, ++running);
        await new Promise((done) => setImmediate(done));
        running--;
        if (seen.push((payload as { i: number }).i) === 5) resolve();
      });
      void b.flush().then(() => [0, 1, 2, 3, 4].forEach((i) => a.publish('slow', { i })));
    });
    expect(most).toBe(1);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('goes on after a handler threw', async () => {
    const seen: number[] = [];
    await new Promise<void>((resolve) => {
      b.subscribe('bad', ({ payload }) => {
        const { i } = payload as { i: number };
        seen.push(i);
        if (i === 0) throw new Error('sync');
        if (i === 1) return Promise.reject(new Error('async'));
        return resolve();
      });
      void b.flush().then(() => [0, 1, 2].forEach((i) => a.publish('bad', { i })));
    });
    expect(seen).toEqual([0, 1, 2]);
  });

  it('reports an overflowing queue once, and keeps what fits', async () => {
    let gaps = 0;
    let release: () => void = () => undefined;
    const seen: number[] = [];
    const finished = new Promise<void>((resolve) => {
      b.subscribe(
        'flood',
        async ({ payload }) => {
          const { i } = payload as { i: number };
          seen.push(i);
          if (i === 0) await new Promise<void>((go) => (release = go));
          if (i === 99) resolve();
        },
        { queueLimit: 10, onGap: () => gaps++ },
      );
    });
    await b.flush();
    for (let i = 0; i < 50; i++) a.publish('flood', { i });
    await a.flush();
    await until(() => gaps > 0 && seen.length > 0);
    await b.flush();
    release();
    await until(() => seen.length >= 10);
    await new Promise((done) => setImmediate(done));
    expect(gaps).toBe(1);
    expect(seen.length).toBeLessThan(15);
    expect([...seen].sort((x, y) => x - y)).toEqual(seen);
    a.publish('flood', { i: 99 });
    await finished;
  });

  it('does not deliver after close', async () => {
    let count = 0;
    const subscription = b.subscribe('closed', () => void count++);
    await b.flush();
    subscription.close();
    await b.flush();
    await collect('closed', 1, () => a.publish('closed', {}));
    expect(count).toBe(0);
  });

  it('answers requests concurrently', async () => {
    let waiting = 0;
    let release: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (release = resolve));
    b.serve('double', 'q', async ({ payload, subject }) => {
      if (++waiting === 2) release();
      await both;
      return { subject, n: (payload as { n: number }).n * 2 };
    });
    await b.flush();
    const answers = await Promise.all([1, 2].map((n) => a.request('double', { n }, { deadlineMs: 5000 })));
    expect(answers).toEqual([
      { subject: 'double', n: 2 },
      { subject: 'double', n: 4 },
    ]);
  });

  it('has each request answered by one server of a queue', async () => {
    const counts = [0, 0];
    [0, 1].forEach((i) => b.serve('shared.*', 'q', async () => ({ i, n: counts[i]!++ })));
    await b.flush();
    for (let i = 0; i < 40; i++) await a.request(`shared.${i}`, {}, { deadlineMs: 5000 });
    expect(counts[0]! + counts[1]!).toBe(40);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('says when nobody serves, when the handler fails, and when it takes too long', async () => {
    await expect(a.request('nobody', {}, { deadlineMs: 5000 })).rejects.toMatchObject({ code: 'no-responders' });
    b.serve('throws', 'q', () => Promise.reject(new Error('größer\nals')));
    b.serve('hangs', 'q', () => new Promise(() => undefined));
    await b.flush();
    await expect(a.request('throws', {}, { deadlineMs: 5000 })).rejects.toEqual(new BusError('remote', 'größer\nals'));
    await expect(a.request('hangs', {}, { deadlineMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
  });

  it('gives a request up when its signal aborts', async () => {
    b.serve('hangs', 'q', () => new Promise(() => undefined));
    await b.flush();
    const controller = new AbortController();
    const answer = a.request('hangs', {}, { deadlineMs: 5000, signal: controller.signal });
    controller.abort();
    await expect(answer).rejects.toMatchObject({ code: 'closed' });
  });

  it('rejects after close, and publishes into the void', async () => {
    await a.close();
    await expect(a.request('x', {}, { deadlineMs: 100 })).rejects.toMatchObject({ code: 'closed' });
    expect(() => a.publish('x', {})).not.toThrow();
    await a.close();
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 5000) throw new Error('condition never came true');
    await new Promise((done) => setTimeout(done, 1));
  }
}
