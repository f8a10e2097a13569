import { Counter, type HealthCheck, Registry, silentLogger } from '#telemetry';
import { type DebugPage, type RunningHealthServer, startHealthServer } from './health-server';

describe('the health server', () => {
  let server: RunningHealthServer;
  let isReady = false;
  const pages = new Map<string, DebugPage>([
    ['/debug/object', () => ({ a: 1 })],
    ['/debug/broken', () => Promise.reject(new Error('no'))],
  ]);
  const checks: HealthCheck[] = [
    { name: 'ping', on: ['livez', 'readyz', 'healthz'], check: () => undefined },
    {
      name: 'ready',
      on: ['readyz'],
      check: () => {
        if (!isReady) throw new Error('secret reason');
      },
    },
  ];
  const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${server.address.port}${path}`, { method });
    return [answer.status, await answer.text()];
  };

  beforeAll(async () => {
    const metrics = new Registry();
    new Counter({ name: 'things_total', help: 'Things', registers: [metrics] }).inc();
    const address = { host: '127.0.0.1', port: 0 };
    server = await startHealthServer({ address, checks, metrics, pages, logger: silentLogger() });
  });
  afterAll(() => server.stop());

  it('answers as upstream does', async () => {
    expect(await get('/livez')).toEqual([200, 'ok']);
    expect(await get('/readyz')).toEqual([500, '[+]ping ok\n[-]ready failed: reason withheld\nreadyz check failed\n']);
    expect(await get('/readyz?exclude=ready')).toEqual([200, 'ok']);
    expect(await get('/readyz/ready')).toEqual([500, 'internal server error: check failed\n']);
    isReady = true;
    expect(await get('/readyz?verbose')).toEqual([200, '[+]ping ok\n[+]ready ok\nreadyz check passed\n']);
    expect(await get('/readyz/nothing')).toEqual([404, '404 page not found\n']);
  });

  it('shows metrics and debug pages, and survives one that fails', async () => {
    expect((await get('/metrics'))[1]).toContain('things_total 1');
    expect(await get('/debug/object')).toEqual([200, '{"a":1}']);
    expect(await get('/debug/broken')).toEqual([500, 'internal server error\n']);
    expect((await get('/else'))[0]).toBe(404);
    expect((await get('/livez', 'POST'))[0]).toBe(405);
  });

  it('rejects when the port is taken', async () => {
    const options = { address: server.address, checks, metrics: new Registry(), pages, logger: silentLogger() };
    await expect(startHealthServer(options)).rejects.toThrow('EADDRINUSE');
  });
});
