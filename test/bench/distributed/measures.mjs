// What is measured of a cluster, whichever it is.
import { ask, NODES } from './clusters.mjs';

const namespace = '/api/v1/namespaces/default';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const INFORMERS = 20;
const WRITES = 2000;
const WRITERS = 16;
const POSTS = 100;
const PODS = NODES * 100;

function deployment(name, replicas) {
  const labels = { app: name };
  const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'image:1' }] };
  return {
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

/** Seconds from the POST of a deployment to its pods' readiness, as pods a second. */
export async function podsPerSecond(api) {
  const start = performance.now();
  await api.call('POST', deployments, deployment('many', PODS));
  await api.until(async () => (await api.call('GET', `${deployments}/many`)).status.readyReplicas === PODS);
  const seconds = (performance.now() - start) / 1000;
  await api.call('DELETE', `${deployments}/many`);
  await api.until(async () => (await api.call('GET', `${namespace}/pods`)).items.length === 0);
  return PODS / seconds;
}

/** Milliseconds from the POST of a Deployment to the ReplicaSet that its controller makes, as a watch shows it: `{ p50, p99 }`. */
export async function reaction(api) {
  const seen = new Map();
  const end = await api.watch('/apis/apps/v1/namespaces/default/replicasets?watch=true', ({ type, object }) => {
    const owner = object.metadata?.ownerReferences?.[0]?.name;
    if (type === 'ADDED') seen.get(owner)?.(performance.now());
  });
  const times = [];
  for (let i = 0; i < POSTS; i++) {
    const name = `reaction-${i}`;
    const made = new Promise((resolve) => seen.set(name, resolve));
    const start = performance.now();
    await api.call('POST', deployments, deployment(name, 0));
    times.push((await made) - start);
  }
  end();
  await api.call('DELETE', deployments);
  times.sort((a, b) => a - b);
  return { p50: times[POSTS >> 1], p99: times[Math.floor(POSTS * 0.99)] };
}

/** Changes of pods, written as fast as a few clients can, that reach 20 informers: events a second over all of them. */
export async function eventsPerSecond(api, cluster) {
  const child = await cluster.informers();
  // Pods that nobody takes care of.
  const spec = { schedulerName: 'nobody', containers: [{ name: 'main', image: 'image:1' }] };
  for (let i = 0; i < WRITERS; i++)
    await api.call('POST', `${namespace}/pods`, { metadata: { name: `event-${i}` }, spec });
  await ask(child, { open: INFORMERS });
  const start = performance.now();
  let revision = 0;
  const write = async (writer) => {
    for (let n = 0; n < WRITES / WRITERS; n++) {
      const patch = { metadata: { labels: { n: String(n) } } };
      const { metadata } = await api.call('PATCH', `${namespace}/pods/event-${writer}`, patch);
      revision = Math.max(revision, Number(metadata.resourceVersion));
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await ask(child, { until: revision });
  return (WRITES * INFORMERS) / ((performance.now() - start) / 1000);
}
