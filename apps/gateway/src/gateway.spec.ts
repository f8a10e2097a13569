import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { request } from 'undici';
import { type EventMessage, eventSubject } from '#bus';
import { createBusClient } from '#client';
import { resources } from '#api';
import { hasReason, systemClock } from '#machinery';
import { type Answer, type Harness, configMap, configMaps, startHarness } from './testing/harness';

function namesOf({ body }: Answer): string[] {
  return (body as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name);
}

describe('gateway', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(async () => {
    await harness.stop();
  });

  const watchLines = async (
    path: string,
    count: number,
  ): Promise<{ type: string; object: { metadata: { name: string } } }[]> => {
    const { gateway, dispatcher } = harness;
    const stopping = new AbortController();
    const answer = await request(`${gateway.url}${path}`, {
      dispatcher,
      headers: { authorization: 'Bearer admin' },
      signal: stopping.signal,
    });
    expect(answer.statusCode).toBe(200);
    let text = '';
    const lines: ReturnType<typeof JSON.parse>[] = [];
    for await (const chunk of answer.body) {
      text += String(chunk);
      const complete = text.split('\n');
      text = complete.pop() ?? '';
      lines.push(...complete.map((line) => JSON.parse(line) as unknown));
      if (lines.length >= count) break;
    }
    stopping.abort();
    return lines as { type: string; object: { metadata: { name: string } } }[];
  };

  it('creates, reads, updates and deletes', async () => {
    const created = await harness.call('POST', configMaps, { body: configMap('life', { a: '1' }) });
    expect(created).toMatchObject({ status: 201, body: { metadata: { name: 'life', namespace: 'default' } } });
    expect(created.body.metadata.managedFields[0]).toMatchObject({ manager: 'test', operation: 'Update' });
    const got = await harness.call('GET', `${configMaps}/life`);
    expect(got.body).toEqual(created.body);

    const stale = { ...created.body, data: { a: '2' } };
    const updated = await harness.call('PUT', `${configMaps}/life`, { body: stale });
    expect(updated).toMatchObject({ status: 200, body: { data: { a: '2' } } });
    expect(await harness.call('PUT', `${configMaps}/life`, { body: stale })).toMatchObject({
      status: 409,
      body: { reason: 'Conflict' },
    });

    expect(await harness.call('DELETE', `${configMaps}/life`)).toMatchObject({
      status: 200,
      body: { status: 'Success', details: { name: 'life', kind: 'configmaps' } },
    });
    expect(await harness.call('GET', `${configMaps}/life`)).toMatchObject({
      status: 404,
      body: { message: 'configmaps "life" not found' },
    });
  });

  it('does not write what changes nothing', async () => {
    const { body } = await harness.call('POST', configMaps, { body: configMap('same', { a: '1' }) });
    const patch = { contentType: 'application/merge-patch+json', body: { data: { a: '1' } } };
    const patched = await harness.call('PATCH', `${configMaps}/same`, patch);
    expect(patched.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
  });

  it('stores nothing on a dry run', async () => {
    const answer = await harness.call('POST', `${configMaps}?dryRun=All`, { body: configMap('dry') });
    expect(answer.status).toBe(201);
    expect(answer.body.metadata.resourceVersion).toBeUndefined();
    expect((await harness.call('GET', `${configMaps}/dry`)).status).toBe(404);
  });

  it('lists its paths, and tells others how to verify its tokens', async () => {
    const { body: index } = await harness.call('GET', '/');
    expect(index).toEqual({ paths: expect.arrayContaining(['/apis/apps/v1', '/livez/etcd', '/version']) as unknown });
    const { body: configuration, headers } = await harness.call('GET', '/.well-known/openid-configuration');
    expect(headers).toMatchObject({ 'cache-control': 'public, max-age=3600' });
    expect(configuration).toMatchObject({ issuer: 'https://kubernetes.default.svc.cluster.local' });
    const { pathname } = new URL((configuration as { jwks_uri: string }).jwks_uri);
    const keys = await harness.call('GET', pathname);
    expect(keys.headers).toMatchObject({ 'content-type': 'application/jwk-set+json' });
    const set = createLocalJWKSet(JSON.parse(keys.text) as JSONWebKeySet);
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'verified' } };
    await harness.call('POST', accounts, { body: account });
    const { body: token } = await harness.call('POST', `${accounts}/verified/token`, {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    const { payload } = await jwtVerify((token as { status: { token: string } }).status.token, set);
    expect(payload.sub).toBe('system:serviceaccount:default:verified');
  });

  it('asks clients of exec to change the protocol, once the rest is right', async () => {
    const place = '/api/v1/namespaces/default/pods';
    const spec = {
      serviceAccountName: 'streamer',
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'i' }],
    };
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'streamer' } };
    await harness.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: account });
    const exec = () => harness.call('GET', `${place}/streamless/exec?command=ls`);
    expect(await exec()).toMatchObject({ status: 404 });
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'streamless' }, spec };
    expect(await harness.call('POST', place, { body })).toMatchObject({ status: 201 });
    expect(await exec()).toMatchObject({
      status: 400,
      body: { message: 'pod streamless does not have a host assigned' },
    });
  });

  it('applies, and tells who else owns a field', async () => {
    const apply = (manager: string, value: string, more = '') =>
      harness.call('PATCH', `${configMaps}/applied?fieldManager=${manager}${more}`, {
        contentType: 'application/apply-patch+yaml',
        body: configMap('applied', { k: value }),
      });
    expect((await apply('one', 'a')).status).toBe(201);
    expect((await apply('two', 'b')).status).toBe(409);
    expect(await apply('two', 'b', '&force=true')).toMatchObject({ status: 200, body: { data: { k: 'b' } } });
  });

  it('reads options in Protobuf, whatever group they are stated in', async () => {
    const serviceAccounts = '/api/v1/namespaces/default/serviceaccounts';
    await harness.call('POST', serviceAccounts, {
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'protobuf' } },
    });
    // Envelope of TypeMeta{apps/v1, DeleteOptions} and the message DeleteOptions{dryRun: [All]}, then {gracePeriodSeconds: 0}.
    const envelope = 'k8s\0\n\x18\n\x07apps/v1\x12\rDeleteOptions\x12';
    const options = { contentType: 'application/vnd.kubernetes.protobuf' };
    const dryRun = await harness.call('DELETE', `${serviceAccounts}/protobuf`, {
      ...options,
      body: `${envelope}\x05*\x03All`,
    });
    expect(dryRun.status).toBe(200);
    expect((await harness.call('GET', `${serviceAccounts}/protobuf`)).status).toBe(200);
    const deleted = await harness.call('DELETE', `${serviceAccounts}/protobuf`, {
      ...options,
      body: `${envelope}\x02\x08\0`,
    });
    expect(deleted.status).toBe(200);
    expect((await harness.call('GET', `${serviceAccounts}/protobuf`)).status).toBe(404);
    const garbage = await harness.call('DELETE', `${serviceAccounts}/protobuf`, { ...options, body: 'x' });
    expect(garbage).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
  });

  it('serves a Namespace by its name', async () => {
    const path = '/api/v1/namespaces/named';
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'named' } };
    await harness.call('POST', '/api/v1/namespaces', { body });
    const { body: named } = await harness.call('GET', path);
    expect(named.metadata.name).toBe('named');
    const labels = { ...named.metadata.labels, a: 'b' };
    const updated = await harness.call('PUT', path, { body: { ...named, metadata: { ...named.metadata, labels } } });
    expect(updated).toMatchObject({ status: 200, body: { metadata: { labels: { a: 'b' } } } });
    const deleted = await harness.call('DELETE', path);
    expect(deleted).toMatchObject({ status: 200, body: { status: { phase: 'Terminating' } } });
    const finalized = { ...deleted.body, spec: { finalizers: [] } };
    expect((await harness.call('PUT', `${path}/finalize`, { body: finalized })).status).toBe(200);
    expect((await harness.call('GET', path)).status).toBe(404);
  });

  it('keeps an object until its finalizers are gone', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', finalizers: ['example.com/hold'] } };
    await harness.call('POST', configMaps, { body });
    const marked = await harness.call('DELETE', `${configMaps}/held`);
    expect(marked.body.metadata.deletionTimestamp).toBeDefined();
    expect((await harness.call('POST', configMaps, { body })).body.message).toBe(
      'object is being deleted: configmaps "held" already exists',
    );
    await harness.call('PATCH', `${configMaps}/held`, {
      contentType: 'application/merge-patch+json',
      body: { metadata: { finalizers: null } },
    });
    expect((await harness.call('GET', `${configMaps}/held`)).status).toBe(404);
  });

  it('pages a list as it was when the first page was read', async () => {
    for (const name of ['pa', 'pb', 'pc']) {
      await harness.call('POST', configMaps, { body: configMap(name, {}, { page: 'y' }) });
    }
    const first = await harness.call('GET', `${configMaps}?labelSelector=page&limit=2`);
    expect(first.body.items).toHaveLength(2);
    await harness.call('DELETE', `${configMaps}/pc`);
    const token = encodeURIComponent(first.body.metadata.continue as string);
    const second = await harness.call('GET', `${configMaps}?labelSelector=page&limit=2&continue=${token}`);
    expect(namesOf(second)).toEqual(['pc']);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
  });

  it('watches from a revision, and says what a selector makes of a change', async () => {
    const { body } = await harness.call('POST', configMaps, { body: configMap('w', {}, { color: 'red' }) });
    const recolor = (color: string) =>
      harness.call('PATCH', `${configMaps}/w`, {
        contentType: 'application/merge-patch+json',
        body: { metadata: { labels: { color } } },
      });
    await recolor('blue');
    await recolor('red');
    await harness.call('DELETE', `${configMaps}/w`);
    const from = body.metadata.resourceVersion as string;
    const events = await watchLines(`${configMaps}?watch=true&labelSelector=color%3Dred&resourceVersion=${from}`, 3);
    expect(events.map(({ type }) => type)).toEqual(['DELETED', 'ADDED', 'DELETED']);
  });

  it('streams the initial state and marks its end', async () => {
    await harness.call('POST', configMaps, { body: configMap('initial', {}, { init: 'y' }) });
    const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const events = await watchLines(`${configMaps}?${query}&labelSelector=init`, 2);
    expect(events).toMatchObject([
      { type: 'ADDED', object: { metadata: { name: 'initial' } } },
      { type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } },
    ]);
  });

  it('evicts a pod that is bound', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    await harness.call('POST', '/api/v1/namespaces/default/serviceaccounts', {
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
    });
    const spec = { containers: [{ name: 'a', image: 'x' }] };
    await harness.call('POST', pods, { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'e' }, spec } });
    const named = { apiVersion: 'v1', metadata: { name: 'e' } };
    const binding = { ...named, kind: 'Binding', target: { kind: 'Node', name: 'n' } };
    expect((await harness.call('POST', `${pods}/e/binding`, { body: binding })).status).toBe(201);
    expect((await harness.call('POST', `${pods}/e/binding`, { body: binding })).status).toBe(409);
    const eviction = { ...named, kind: 'Eviction', apiVersion: 'policy/v1' };
    expect((await harness.call('POST', `${pods}/e/eviction`, { body: eviction })).status).toBe(201);
    const evicted = await harness.call('GET', `${pods}/e`);
    expect(evicted.body).toMatchObject({ metadata: { deletionGracePeriodSeconds: 30 }, spec: { nodeName: 'n' } });
    const types = (evicted.body as { status: { conditions: { type: string }[] } }).status.conditions.map(
      ({ type }) => type,
    );
    expect(types).toEqual(['PodScheduled', 'DisruptionTarget']);
  });

  it('gives each of many services an address and a node port of its own', async () => {
    const create = (index: number) =>
      harness.call('POST', '/api/v1/namespaces/default/services', {
        body: {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: `s${index}` },
          spec: { type: 'NodePort', ports: [{ port: 80 }] },
        },
      });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => create(index)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.spec.clusterIP as string)).size).toBe(40);
    expect(new Set(answers.map(({ body }) => body.spec.ports[0].nodePort as number)).size).toBe(40);
  });

  describe('who may do what', () => {
    it('refuses who is not allowed, and says why', async () => {
      const answer = await harness.call('GET', configMaps, { headers: { 'impersonate-user': 'alice' } });
      expect(answer).toMatchObject({
        status: 403,
        body: {
          message:
            'configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" in the namespace "default"',
        },
      });
    });

    it('knows wrong tokens from none', async () => {
      expect((await harness.call('GET', '/version', { headers: { authorization: 'Bearer x' } })).status).toBe(401);
      expect((await harness.call('GET', '/livez', { headers: { authorization: '' } })).text).toBe('ok');
      expect((await harness.call('GET', '/api', { headers: { authorization: '' } })).status).toBe(403);
    });

    it('lets nobody grant what he does not have', async () => {
      const rbac = '/apis/rbac.authorization.k8s.io/v1';
      const rule = (verbs: string[]) => ({
        verbs,
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['clusterroles'],
      });
      const role = (name: string, rules: object[]) => ({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name },
        rules,
      });
      await harness.call('POST', `${rbac}/clusterroles`, { body: role('role-writer', [rule(['create'])]) });
      await harness.call('POST', `${rbac}/clusterrolebindings`, {
        body: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRoleBinding',
          metadata: { name: 'role-writer' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'role-writer' },
          subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bob' }],
        },
      });
      const asBob = { headers: { 'impersonate-user': 'bob' } };
      const same = await harness.call('POST', `${rbac}/clusterroles`, {
        ...asBob,
        body: role('same', [rule(['create'])]),
      });
      expect(same.status).toBe(201);
      const more = await harness.call('POST', `${rbac}/clusterroles`, {
        ...asBob,
        body: role('more', [rule(['delete'])]),
      });
      expect(more.status).toBe(403);
      expect(more.body.message).toContain('is attempting to grant RBAC permissions not currently held');
    });
  });

  describe('bad input', () => {
    it.each([
      ['malformed JSON', 'POST', configMaps, '{"a":', 400],
      ['a body that is too large', 'POST', configMaps, ' '.repeat(3 * 1024 * 1024 + 1), 413],
      ['another kind', 'POST', configMaps, '{"kind":"Odd"}', 400],
      ['a name that breaks the rules', 'POST', configMaps, JSON.stringify(configMap('No Good')), 422],
      ['a name that climbs', 'POST', configMaps, JSON.stringify(configMap('../x')), 422],
      ['a path with broken encoding', 'GET', `${configMaps}/%zz`, undefined, 400],
      ['a method that nobody knows', 'PUT', configMaps, '{}', 405],
      ['a continue token that is none', 'GET', `${configMaps}?continue=garbage`, undefined, 400],
    ])('answers %s', async (_what, method, path, body, status) => {
      expect((await harness.call(method, path, { body })).status).toBe(status);
    });

    it('takes no object out of prototypes', async () => {
      const body =
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"data":{"__proto__":"x","a":"1"}}';
      const answer = await harness.call('POST', configMaps, { body });
      expect(answer.status === 201 || answer.status === 422).toBe(true);
      expect(({} as { a?: string }).a).toBeUndefined();
    });
  });

  describe('on the bus', () => {
    it('serves components under their identity, and publishes what changes', async () => {
      const client = createBusClient({
        bus: harness.bus,
        user: 'system:kube-controller-manager',
        clock: systemClock,
        random: Math.random,
        userAgent: 'kube-controller-manager/1',
      });
      const heard: EventMessage[] = [];
      const subscription = harness.bus.subscribe(eventSubject('', 'serviceaccounts'), ({ payload }) => {
        heard.push(payload as EventMessage);
      });
      const key = { namespace: 'default', name: 'from-the-bus' };
      const created = await client.create(resources.serviceAccounts, { metadata: key });
      await harness.bus.flush();
      const events = heard.flatMap((message) => message.events);
      expect(events).toMatchObject([{ type: 'ADDED', object: { metadata: { name: 'from-the-bus' } } }]);
      expect(events[0]?.revision).toBe(Number(created.metadata?.resourceVersion));
      const refused: unknown = await client
        .delete(resources.nodes, { namespace: '', name: 'x' })
        .catch((error: unknown) => error);
      expect(hasReason(refused, 'Forbidden', 'NotFound')).toBe(true);
      subscription.close();
    });
  });
});
