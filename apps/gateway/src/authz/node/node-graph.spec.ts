import fc from 'fast-check';
import { type PersistentVolume, type Pod } from '#api';
import { type ContributingKind, contributions, mayMatter, vertexOf } from './graph-builder';
import { NodeGraph, type Vertex, vertex } from './node-graph';

type Step =
  | { readonly kind: 'pods'; readonly object: Pod }
  | { readonly kind: 'persistentvolumes'; readonly object: PersistentVolume }
  | { readonly kind: ContributingKind; readonly object: Pod | PersistentVolume; readonly isRemoval: true };

const nodes = ['a', 'b', 'c'];
const names = ['x', 'y', 'z'];
const name = fc.constantFrom(...names);

const pod = fc
  .record({ name, node: fc.constantFrom('', ...nodes), secrets: fc.array(name), claims: fc.array(name) })
  .map(({ name: podName, node, secrets, claims }): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'n', name: podName },
    spec: {
      containers: [],
      ...(node === '' ? {} : { nodeName: node }),
      imagePullSecrets: secrets.map((secret) => ({ name: secret })),
      volumes: claims.map((claim, i) => ({ name: `v${i}`, persistentVolumeClaim: { claimName: claim } })),
    },
  }));
const volume = fc
  .record({ name, claim: fc.option(name), secret: fc.option(name) })
  .map(({ name: volumeName, claim, secret }): PersistentVolume => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName },
    spec: {
      ...(claim === null ? {} : { claimRef: { namespace: 'n', name: claim } }),
      ...(secret === null
        ? {}
        : { csi: { driver: 'd', volumeHandle: 'h', nodeStageSecretRef: { namespace: 's', name: secret } } }),
    },
  }));
const step: fc.Arbitrary<Step> = fc.oneof(
  pod.map((object) => ({ kind: 'pods' as const, object })),
  volume.map((object) => ({ kind: 'persistentvolumes' as const, object })),
  pod.map((object) => ({ kind: 'pods' as const, object, isRemoval: true as const })),
  volume.map((object) => ({ kind: 'persistentvolumes' as const, object, isRemoval: true as const })),
);

const questions: readonly Vertex[] = names.flatMap((one) => [
  vertex('pods', 'n', one),
  vertex('secrets', 'n', one),
  vertex('secrets', 's', one),
  vertex('persistentvolumeclaims', 'n', one),
  vertex('persistentvolumes', '', one),
]);
const answers = (graph: NodeGraph) =>
  nodes.flatMap((node) => questions.filter((to) => graph.isRelated(node, to)).map((to) => `${node} ${to}`));

describe('the graph of nodes and objects', () => {
  it('is the same whether it followed every change or saw the last state only (property)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const graph = new NodeGraph();
        const last = new Map<Vertex, Step>();
        for (const one of steps) {
          const key = vertexOf(one.kind, one.object);
          if ('isRemoval' in one) {
            graph.remove(key);
            last.delete(key);
          } else {
            contributions[one.kind](graph, one.object);
            last.set(key, one);
          }
        }
        const fresh = new NodeGraph();
        for (const { kind, object } of last.values()) contributions[kind](fresh, object);
        expect(answers(graph)).toEqual(answers(fresh));
        for (const key of last.keys()) graph.remove(key);
        expect(graph.size).toBe(0);
      }),
    );
  });

  it('is not touched by reports of status', () => {
    const bound = (phase: string, claim?: string): Pod => ({
      metadata: { uid: '1' },
      spec: { nodeName: 'a', containers: [] },
      status: {
        phase,
        ...(claim === undefined ? {} : { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: claim }] }),
      },
    });
    expect(mayMatter('pods', bound('Running'), bound('Pending'))).toBe(false);
    expect(mayMatter('pods', bound('Running', 'c'), bound('Running'))).toBe(true);
    expect(mayMatter('pods', bound('Running'), undefined)).toBe(true);
  });
});
