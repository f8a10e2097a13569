import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { type Deployment, type Node, type Pod, resources } from '#api';
import { type ObjectClient } from '#client';
import { isPodReady } from '#controller';
import { type DeepReadonly, controllerOf } from '#machinery';
import { eventually } from '../tools/eventually';
import { type ProcessCluster } from './process-cluster';

/**
 * Nothing is on its way, nothing is lost and nothing doubled: every Deployment is rolled out, every ReplicaSet has as many pods as it wants,
 * every pod runs on the node that it is bound to, and each node's runtime holds exactly those.
 */
export async function isWhole(cluster: ProcessCluster, api: ObjectClient, timeoutMs = 60_000): Promise<void> {
  await eventually(async () => {
    const pods = (await api.list(resources.pods)).items;
    const { items: deployments } = await api.list(resources.deployments);
    const { items: replicaSets } = await api.list(resources.replicaSets);
    expect(deployments.map(progressOf).filter((progress) => progress !== '')).toEqual([]);
    for (const { metadata, spec } of replicaSets) {
      const own = pods.filter((pod) => controllerOf(pod)?.uid === metadata?.uid);
      const name = metadata?.name;
      const troubles = own.map(troubleOf).filter((trouble) => trouble !== '');
      expect({ name, pods: own.length, troubles }).toEqual({ name, pods: spec?.replicas, troubles: [] });
    }
    expect(pods.map(troubleOf).filter((trouble) => trouble !== '')).toEqual([]);
    for (const node of (await api.list(resources.nodes)).items) {
      const bound = pods.filter((pod) => pod.spec?.nodeName === node.metadata?.name);
      const uids = bound.map((pod) => pod.metadata?.uid ?? '').sort();
      expect({ node: node.metadata?.name, uids: await runningOn(cluster, node) }).toEqual({
        node: node.metadata?.name,
        uids,
      });
    }
  }, timeoutMs);
}

function progressOf({ metadata, spec, status }: DeepReadonly<Deployment>): string {
  const { replicas = 0, readyReplicas = 0, updatedReplicas = 0, observedGeneration } = status ?? {};
  const counts = [replicas, readyReplicas, updatedReplicas];
  const isDone = observedGeneration === metadata?.generation && counts.every((count) => count === spec?.replicas);
  return isDone ? '' : `${metadata?.name} wants ${spec?.replicas}, has ${counts.join(', ')}`;
}

function troubleOf(pod: DeepReadonly<Pod>): string {
  const { metadata, spec } = pod;
  if (metadata?.deletionTimestamp !== undefined) return `${metadata.name} is terminating`;
  if ((spec?.nodeName ?? '') === '') return `${metadata?.name} is on no node`;
  return isPodReady(pod) ? '' : `${metadata?.name} is not ready`;
}

/** UIDs of the pods of which a node's runtime has a running container, by the node agent's statistics. */
async function runningOn(cluster: ProcessCluster, node: DeepReadonly<Node>): Promise<string[]> {
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port;
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const pem = (name: string): Buffer => readFileSync(cluster.pki('gateway', name));
  const summary = await new Promise<string>((resolve, reject) => {
    const question = request(
      {
        ...{ host: address, port, path: '/stats/summary', agent: false, timeout: 5_000 },
        ...{ ca: pem('ca.crt'), cert: pem('kubelet-client.crt'), key: pem('kubelet-client.key') },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('error', reject).on('end', () => resolve(text));
      },
    );
    question.on('timeout', () => question.destroy(new Error('the node agent does not answer')));
    question.on('error', reject).end();
  });
  const { pods } = JSON.parse(summary) as { pods: { podRef: { uid: string } }[] };
  return pods.map(({ podRef }) => podRef.uid).sort();
}
