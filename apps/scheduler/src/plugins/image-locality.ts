import { MAX_NODE_SCORE, type ScorePlugin } from '../framework';

const MIB = 1024 * 1024;
/** Below this an image is pulled quickly anyway; above the other nothing more is gained (a container). */
const MIN_BYTES = 23 * MIB;
const MAX_BYTES_PER_CONTAINER = 1000 * MIB;

/** Prefers nodes that have the pod's images, weighted by size and by how widely the image is spread. */
export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  prepareScore(pod, snapshot, feasible) {
    const spec = pod.pod.spec;
    const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
    const names = containers.map((container) => normalizedName(container.image ?? ''));
    if (!feasible.some((node) => names.some((name) => node.images.has(name)))) return undefined;
    const spread = names.map(
      (name) => snapshot.nodes.filter((node) => node.images.has(name)).length / snapshot.nodes.length,
    );
    const max = MAX_BYTES_PER_CONTAINER * containers.length;
    return {
      score(node) {
        const bytes = names.reduce(
          (sum, name, i) => sum + Math.floor((node.images.get(name) ?? 0) * (spread[i] ?? 0)),
          0,
        );
        const clamped = Math.min(max, Math.max(MIN_BYTES, bytes));
        return Math.floor((MAX_NODE_SCORE * (clamped - MIN_BYTES)) / (max - MIN_BYTES));
      },
    };
  },
};

/** Nodes report images with a tag. */
function normalizedName(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
