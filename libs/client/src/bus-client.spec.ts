import { type Bus, apiSubject, createInProcessBus } from '#bus';
import { type Pod, resources } from '#api';
import { FakeClock, pod } from '#testing';
import { type BusCall, createBusClient } from '../index';

type Answer = { status: number; body: unknown } | 'lost' | 'lost-after';

/** A gateway that answers from a script, and the client that talks to it. */
function setUp(...script: Answer[]) {
  const clock = new FakeClock();
  const bus: Bus = createInProcessBus({ clock, random: () => 0 });
  const calls: BusCall[] = [];
  bus.serve(apiSubject('system:tester'), 'gateway', async ({ payload }) => {
    calls.push(payload as BusCall);
    const answer = script.shift();
    if (answer === undefined) throw new Error('the script is over');
    if (typeof answer === 'string') return new Promise<never>(() => undefined);
    return answer;
  });
  const random = sequence();
  const client = createBusClient({
    bus,
    user: 'system:tester',
    clock,
    random,
    userAgent: 'tester/1.0',
    deadlineMs: 1000,
  });
  /** Runs a call while time goes by. */
  const run = async <T>(call: Promise<T>): Promise<T> => {
    let isDone = false;
    const settled = call.finally(() => (isDone = true));
    settled.catch(() => undefined);
    for (let i = 0; !isDone && i < 100; i++) await clock.advance(500);
    return settled;
  };
  const lines = (): string[] => calls.map(({ method, path }) => `${method} ${path}`);
  return { clock, bus, client, calls, lines, run };
}

function sequence(): () => number {
  let n = 0;
  return () => (n++ % 27) / 27;
}

const ok = (body: unknown): Answer => ({ status: 200, body });
const status = (code: number, reason: string, details?: object): Answer => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason, details },
});
const key = { namespace: 'default', name: 'a' };

describe('createBusClient', () => {
  it('sends method, path and body, and answers with the body', async () => {
    const { client, calls, run } = setUp(ok({ kind: 'Pod' }), ok({}), ok({}), ok({}), ok({}), ok({}), ok({}));
    expect(await run(client.get(resources.pods, key))).toEqual({ kind: 'Pod' });
    await run(client.update(resources.deployments, { metadata: key }, { subresource: 'status', fieldManager: 'm' }));
    await run(client.patch(resources.nodes, { namespace: '', name: 'n1' }, 'apply', { a: 1 }, { force: true }));
    await run(client.delete(resources.pods, key, { gracePeriodSeconds: 0, preconditions: { uid: 'u' } }));
    await run(client.deleteCollection(resources.pods, { namespace: 'x', labelSelector: 'a in (b)' }));
    await run(client.createSubresource(resources.pods, key, 'binding', { target: { name: 'n1' } }));
    await run(client.create(resources.leases, { metadata: key }, { dryRun: true }));
    expect(calls.map(({ method, path, contentType, body }) => ({ method, path, contentType, body }))).toEqual([
      { method: 'GET', path: '/api/v1/namespaces/default/pods/a' },
      {
        method: 'PUT',
        path: '/apis/apps/v1/namespaces/default/deployments/a/status?fieldManager=m',
        body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: key },
      },
      {
        method: 'PATCH',
        path: '/api/v1/nodes/n1?force=true',
        contentType: 'application/apply-patch+yaml',
        body: { a: 1 },
      },
      {
        method: 'DELETE',
        path: '/api/v1/namespaces/default/pods/a',
        body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, preconditions: { uid: 'u' } },
      },
      {
        method: 'DELETE',
        path: '/api/v1/namespaces/x/pods?labelSelector=a%20in%20(b)',
        body: { kind: 'DeleteOptions', apiVersion: 'v1' },
      },
      { method: 'POST', path: '/api/v1/namespaces/default/pods/a/binding', body: { target: { name: 'n1' } } },
      {
        method: 'POST',
        path: '/apis/coordination.k8s.io/v1/namespaces/default/leases?dryRun=All',
        body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key },
      },
    ]);
    expect(calls[0]?.userAgent).toBe('tester/1.0');
  });

  it('rejects with the ApiError that the API answered', async () => {
    const { client, run } = setUp(status(404, 'NotFound'));
    await expect(run(client.get(resources.pods, key))).rejects.toMatchObject({
      name: 'ApiError',
      code: 404,
      reason: 'NotFound',
    });
  });

  it('puts the pages of a list together, at the revision of the first', async () => {
    const page = (names: string[], revision: string, token?: string) =>
      ok({
        metadata: { resourceVersion: revision, continue: token },
        items: names.map((name) => ({ metadata: { name } })),
      });
    const { client, lines, run } = setUp(
      page(['a', 'b'], '7', 't1'),
      status(410, 'Expired'),
      page(['a'], '9', 't2'),
      page(['c'], '11'),
    );
    const list = await run(client.list(resources.pods, { namespace: 'x', resourceVersion: '5' }));
    expect(list.metadata.resourceVersion).toBe('9');
    expect(list.items.map(({ metadata }) => metadata?.name)).toEqual(['a', 'c']);
    expect(lines()).toEqual([
      'GET /api/v1/namespaces/x/pods?limit=500&resourceVersion=5',
      'GET /api/v1/namespaces/x/pods?limit=500&continue=t1',
      'GET /api/v1/namespaces/x/pods?limit=500&resourceVersion=5',
      'GET /api/v1/namespaces/x/pods?limit=500&continue=t2',
    ]);
  });

  it('makes names itself, and another one when the first is taken', async () => {
    const { client, calls, run } = setUp(status(409, 'AlreadyExists'), ok({}));
    await run(client.create<Pod>(resources.pods, { metadata: { namespace: 'default', generateName: 'web-' } }));
    const names = calls.map(({ body }) => (body as Pod).metadata?.name);
    expect(names[0]).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(names[1]).not.toBe(names[0]);
  });

  it('repeats what is safe to repeat: a read, and a create whose answer was lost', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web', uid: 'u1' } };
    const mine = pod('a').ownedBy(owner).build();
    const { client, lines, run } = setUp('lost', ok({}), 'lost-after', status(409, 'AlreadyExists'), ok(mine));
    await run(client.get(resources.pods, key));
    expect(await run(client.create(resources.pods, mine))).toEqual(mine);
    expect(lines()).toEqual([
      'GET /api/v1/namespaces/default/pods/a',
      'GET /api/v1/namespaces/default/pods/a',
      'POST /api/v1/namespaces/default/pods',
      'POST /api/v1/namespaces/default/pods',
      'GET /api/v1/namespaces/default/pods/a',
    ]);
  });

  it('does not take the object of somebody else for its own', async () => {
    const mine = pod('a')
      .ownedBy({ kind: 'X', metadata: { uid: 'u1' } })
      .build();
    const { client, run } = setUp('lost', status(409, 'AlreadyExists'), ok(pod('a').build()));
    await expect(run(client.create(resources.pods, mine))).rejects.toMatchObject({ reason: 'AlreadyExists' });
  });

  it('does not repeat an update or a patch whose fate is unknown', async () => {
    const { client, lines, run } = setUp('lost', 'lost');
    await expect(run(client.update(resources.pods, pod('a').build()))).rejects.toMatchObject({ code: 504 });
    await expect(run(client.patch(resources.pods, key, 'merge', {}))).rejects.toMatchObject({ code: 504 });
    expect(lines()).toHaveLength(2);
  });

  it('takes a repeated delete of what is gone as done', async () => {
    const { client, run } = setUp('lost', status(404, 'NotFound'), status(404, 'NotFound'));
    await run(client.delete(resources.pods, key, { preconditions: { uid: 'u' } }));
    await expect(run(client.delete(resources.pods, key))).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('waits as long as the API asks, but not for an eviction', async () => {
    const busy = status(429, 'TooManyRequests', { retryAfterSeconds: 3 });
    const { client, clock, lines, run } = setUp(busy, ok({}), busy);
    await run(client.update(resources.pods, pod('a').build()));
    expect(clock.monotonic()).toBeGreaterThan(2000);
    await expect(run(client.createSubresource(resources.pods, key, 'eviction', {}))).rejects.toMatchObject({
      code: 429,
    });
    expect(lines()).toHaveLength(3);
  });

  it('gives up when nobody answers, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const bus = createInProcessBus({ clock, random: () => 0 });
    const client = createBusClient({ bus, user: 'x', clock, random: () => 0, userAgent: 'tester' });
    const call = expect(client.create(resources.pods, pod('a').build())).rejects.toMatchObject({ code: 503 });
    await clock.advance(10_000);
    await call;
    expect(clock.pending).toBe(0);
  });

  it('does not insist on what repeating cannot cure', async () => {
    const { client, bus, clock, lines } = setUp();
    await bus.close();
    await expect(client.get(resources.pods, key)).rejects.toMatchObject({ name: 'ApiError', code: 503 });
    expect(lines()).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
