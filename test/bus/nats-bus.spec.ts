import { type Bus, createNatsBus, withFaults } from '#bus';
import { systemClock } from '#machinery';
import { busContract } from './bus.contract';
import { nestAdaptersContract } from './nest-adapters.contract';
import { NatsServer, hasNatsServer } from './nats-server';

const suite = hasNatsServer() ? describe : describe.skip;

suite('NATS bus', () => {
  let server: NatsServer;
  const open = (name: string): Promise<Bus> => createNatsBus({ servers: [server.url], name, reconnectWaitMs: 10 });
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.stop());

  describe('contract', () => {
    busContract(async () => {
      const [a, b] = [await open('a'), await open('b')];
      return { a, b, close: async () => void (await Promise.all([a.close(), b.close()])) };
    });
  });

  describe('contract, with delays', () => {
    const random = Math.random;
    busContract(async () => {
      const [a, b] = [await open('a'), withFaults(await open('b'), { clock: systemClock, random, maxDelayMs: 1 })];
      return { a, b, close: async () => void (await Promise.all([a.close(), b.close()])) };
    });
  });

  describe('Nest', () => {
    nestAdaptersContract(() => open('nest'));
  });

  it('refuses what the broker would not take', async () => {
    const bus = await open('large');
    const payload = { text: 'x'.repeat(2 * 1024 * 1024) };
    expect(() => bus.publish('x', payload)).toThrow('the broker takes');
    await expect(bus.request('x', payload, { deadlineMs: 100 })).rejects.toMatchObject({ code: 'too-large' });
    bus.serve('big', 'q', async () => payload);
    await expect(bus.request('big', {}, { deadlineMs: 1000 })).rejects.toMatchObject({ code: 'remote' });
    await bus.close();
  });

  it('survives the death of the broker: a gap, then everything works again', async () => {
    const [a, b] = [await open('a'), await open('b')];
    let gaps = 0;
    const seen: number[] = [];
    b.subscribe('x', ({ payload }) => void seen.push((payload as { i: number }).i), { onGap: () => gaps++ });
    b.serve('ask', 'q', async () => ({ ok: true }));
    await b.flush();

    await server.stop();
    const failures = new Set<string>();
    for (let i = 0; failures.size === 0; i++) {
      await a.request('ask', {}, { deadlineMs: 50 }).catch(({ code }: { code: string }) => failures.add(code));
      a.publish('x', { i });
    }
    expect(['disconnected', 'timeout']).toContain([...failures][0]);

    await server.start();
    for (let attempt = 0; gaps === 0; attempt++) {
      if (attempt > 1000) throw new Error('no gap reported');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    let answer: unknown;
    for (let attempt = 0; answer === undefined && attempt < 200; attempt++) {
      answer = await a.request('ask', {}, { deadlineMs: 100 }).catch(() => new Promise((go) => setTimeout(go, 10)));
    }
    expect(answer).toEqual({ ok: true });
    a.publish('x', { i: -1 });
    for (let attempt = 0; !seen.includes(-1) && attempt < 200; attempt++) await new Promise((go) => setTimeout(go, 5));
    expect(seen).toContain(-1);
    await Promise.all([a.close(), b.close()]);
  });
});
