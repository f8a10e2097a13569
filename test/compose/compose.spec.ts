import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../tools/eventually';
import { RawApi } from '../tools/raw-api';
import { describeWith } from '../tools/requirements';
import { ComposeProject } from './compose-project';

const NODE_PORT = 30_961;
/** What a client waits for an answer. Shorter than this, a busy machine is told apart from a broken path by nothing. */
const PATIENCE_MS = 10_000;
const example = join(__dirname, '../../examples/hello/hello.yaml');
const url = `http://127.0.0.1:${NODE_PORT}`;

/** Repeats a request until told to stop, one at a time; every failure is kept, and the longest time without an answer. */
function poll(ask: () => Promise<unknown>): {
  stop: () => Promise<{ failures: string[]; answers: number; gapMs: number }>;
} {
  const failures: string[] = [];
  let [answers, gapMs, last, isStopping] = [0, 0, Date.now(), false];
  const loop = async (): Promise<void> => {
    while (!isStopping) {
      const asked = Date.now();
      try {
        await ask();
        answers += 1;
        gapMs = Math.max(gapMs, Date.now() - last);
        last = Date.now();
      } catch (error) {
        failures.push(
          `${new Date(asked).toISOString()}, after ${Date.now() - asked} ms: ${String((error as Error).cause ?? error)}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    gapMs = Math.max(gapMs, Date.now() - last);
  };
  const running = loop();
  return {
    stop: async () => {
      isStopping = true;
      await running;
      return { failures, answers, gapMs };
    },
  };
}

async function hello(): Promise<string> {
  const answer = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.text();
}

describeWith(['docker', 'compose', 'debootstrap', 'root', 'nft'], 'docker-compose.yml', () => {
  const project = new ComposeProject();
  const kubectl = (...args: string[]): Promise<string> => project.kubectl(...args);
  const names = async (): Promise<string[]> =>
    (await kubectl('get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ').sort();
  const replicas = (): Promise<string> =>
    kubectl('get', 'deployment', 'hello', '-o', 'jsonpath={.status.readyReplicas}/{.status.replicas}');
  const scale = async (to: number): Promise<void> => {
    await eventually(() => kubectl('scale', 'deployment/hello', `--replicas=${to}`), 30_000);
    await eventually(async () => expect(await replicas()).toBe(`${to}/${to}`), 60_000);
    await eventually(async () => expect(await names()).toHaveLength(to), 60_000);
  };

  beforeAll(() => project.build(), 900_000);
  afterAll(async () => {
    await project.remove();
    await project.dispose();
  });

  it('comes up with one command: both nodes are ready, and every service says that it is well', async () => {
    const services = await project.services();
    const start = Date.now();
    await project.compose('up', '--detach', '--no-build');
    await eventually(
      () => kubectl('wait', '--for=condition=Ready', 'node/node-0', 'node/node-1', '--timeout=60s'),
      90_000,
    );
    const seconds = (Date.now() - start) / 1000;
    await eventually(async () => {
      const states = await project.states();
      for (const service of services) {
        // The broker's image has nothing that could ask it.
        const wanted = service === 'nats' ? {} : { health: 'healthy' };
        expect([service, states.get(service)]).toEqual([
          service,
          expect.objectContaining({ isRunning: true, ...wanted }),
        ]);
      }
    }, 90_000);
    // What takes long is told, so that it is seen when it takes longer.
    process.stdout.write(`bench: compose, from up to two nodes Ready: ${seconds.toFixed(1)} s\n`);
    process.stdout.write(`bench: compose, memory: ${(await project.memory()).join(', ')}\n`);
    const cidrs = await kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].spec.podCIDR}');
    expect(cidrs.split(' ').sort()).toEqual(['10.61.0.0/24', '10.61.1.0/24']);
  }, 300_000);

  it('confines all services but the node agents', async () => {
    for (const [service, { pid }] of await project.states()) {
      if (service.startsWith('node-agent') || service === 'pki') continue;
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect([service, /^CapEff:\t(.*)$/m.exec(status)?.[1]]).toEqual([service, '0000000000000000']);
      expect([service, /^Uid:\t(\d+)/m.exec(status)?.[1]]).toEqual([service, '1000']);
      expect([service, /^NoNewPrivs:\t(\d)/m.exec(status)?.[1]]).toEqual([service, '1']);
    }
  });

  it('lists both gateways in default/kubernetes', async () => {
    const addresses = 'jsonpath={.items[*].endpoints[*].addresses[0]}';
    const selector = ['-n', 'default', '-l', 'kubernetes.io/service-name=kubernetes', '-o', addresses];
    await eventually(async () => {
      expect(new Set((await kubectl('get', 'endpointslices', ...selector)).split(' ')).size).toBe(2);
    });
  });

  it('runs the hello example on both nodes, behind one port of the machine', async () => {
    const manifest = join(project.directory, 'hello.yaml');
    // Another cluster on this machine may have the example's own port.
    const text = readFileSync(example, 'utf8').replace('nodePort: 30080', `nodePort: ${NODE_PORT}`);
    project.write('hello.yaml', text);
    await kubectl('apply', '-f', manifest);
    await kubectl('rollout', 'status', 'deployment/hello', '--timeout=90s');
    const pods = await names();
    expect(pods).toHaveLength(3);
    const answered = new Set<string>();
    await eventually(async () => {
      answered.add(/this is (.*)/.exec(await hello())?.[1] ?? '');
      expect([...answered].sort()).toEqual(pods);
    });
    const nodes = await kubectl('get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].spec.nodeName}');
    expect(new Set(nodes.split(' '))).toEqual(new Set(['node-0', 'node-1']));
  });

  it('shows logs and runs commands on either node, and gives pods names and the API', async () => {
    for (const pod of await names()) {
      expect(await kubectl('logs', pod)).toContain('listening on 8080');
      expect(await kubectl('exec', pod, '--', 'cat', '/etc/hostname')).toBe(`${pod}\n`);
    }
    const [pod = ''] = await names();
    const inPod = (script: string): Promise<string> => kubectl('exec', pod, '--', 'node', '-e', script);
    const ask = "fetch('http://hello.default.svc.cluster.local').then((r) => r.text()).then(console.log)";
    await eventually(async () => expect(await inPod(ask)).toContain('Hello from Nestor'));
    const version = `const account = '/var/run/secrets/kubernetes.io/serviceaccount/';
      const ca = require('fs').readFileSync(account + 'ca.crt');
      require('https').get('https://kubernetes.default/version', { ca }, (r) => r.pipe(process.stdout));`;
    expect(await inPod(version)).toContain('"gitVersion"');
  });

  it('scales', async () => {
    await scale(5);
    await scale(3);
  });

  it('runs one data plane: pods answer while a part of the control plane dies, which then comes back', async () => {
    const api = new RawApi(project.kubeconfig);
    try {
      for (const service of [
        'gateway-0',
        // Another test kills whichever member leads.
        'store-0',
        'nats',
        'deployment-controller',
        'scheduler',
        'api',
      ]) {
        const before = await project.state(service);
        const pods = poll(hello);
        const requests = poll(async () => {
          const { code, text } = await api.request('GET', '/api/v1/nodes');
          if (code !== 200) throw new Error(`${code} ${text}`);
        });
        await project.kill(service);
        await eventually(async () => {
          const { pid, restarts } = await project.state(service);
          expect(restarts).toBe(before.restarts + 1);
          expect(pid).not.toBe(0);
        }, 30_000);
        await scale(4);
        const seen = await requests.stop();
        const data = await pods.stop();
        process.stdout.write(
          `bench: compose, ${service} killed: ${seen.failures.length} of ${seen.answers + seen.failures.length} API requests failed, longest gap ${seen.gapMs} ms\n`,
        );
        expect({ service, failures: data.failures }).toEqual({ service, failures: [] });
        expect(seen.gapMs).toBeLessThan(30_000);
        await scale(3);
        await eventually(async () => expect((await project.state(service)).health).not.toBe('unhealthy'), 60_000);
      }
    } finally {
      api.close();
    }
  }, 600_000);

  it('goes on while whichever member leads the store is killed again and again', async () => {
    const api = new RawApi(project.kubeconfig);
    let changes = 0;
    const writes = poll(async () => {
      const body = JSON.stringify({ metadata: { labels: { change: String(changes + 1) } } });
      const type = 'application/merge-patch+json';
      const { code, text } = await api.request('PATCH', '/api/v1/namespaces/default', { body, type });
      if (code !== 200) throw new Error(`${code} ${text}`);
      changes += 1;
    });
    const pods = poll(hello);
    try {
      let leader = await project.storeLeader();
      for (let round = 0; round < 3; round++) {
        await project.kill(leader);
        const began = Date.now();
        const victim = leader;
        leader = await eventually(async () => {
          const now = await project.storeLeader();
          if (now === victim) throw new Error(`${victim} leads`);
          return now;
        }, 30_000);
        await eventually(() => kubectl('get', 'nodes'));
        // Every ten seconds, which is when the engine has long started it again.
        await eventually(() => expect(Date.now() - began).toBeGreaterThan(10_000));
      }
    } finally {
      const seen = await writes.stop();
      const data = await pods.stop();
      api.close();
      process.stdout.write(
        `bench: compose, leader of the store killed 3 times: ${seen.failures.length} of ${seen.answers + seen.failures.length} writes failed, longest gap ${seen.gapMs} ms\n`,
      );
      expect(data.failures).toEqual([]);
      expect(seen.gapMs).toBeLessThan(15_000);
    }
    const label = 'jsonpath={.metadata.labels.change}';
    const last = Number(await kubectl('get', 'namespace', 'default', '-o', label));
    // The last may have been carried out without anybody having heard of it.
    expect([changes, changes + 1]).toContain(last);
  });

  it('leaves nothing when it is removed as documented', async () => {
    expect(project.leftovers()).not.toEqual([]);
    await project.remove();
    expect(project.leftovers()).toEqual([]);
    await expect(hello()).rejects.toThrow();
  });
});
