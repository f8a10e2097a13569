/** The kinds of which a node may see only what concerns it. */
export type VertexKind =
  | 'configmaps'
  | 'persistentvolumeclaims'
  | 'persistentvolumes'
  | 'pods'
  | 'resourceclaims'
  | 'resourceslices'
  | 'secrets'
  | 'serviceaccounts'
  | 'volumeattachments';

/** An object in the graph. */
export type Vertex = `${VertexKind}/${string}/${string}`;

/** @param namespace '' for cluster-scoped kinds */
export function vertex(kind: VertexKind, namespace: string, name: string): Vertex {
  return `${kind}/${namespace}/${name}`;
}

/** What one object of the API contributes: everything in `to` is related to the node. */
interface Source {
  readonly node: string;
  readonly to: readonly Vertex[];
}

/** A volume relates its claim's nodes to itself and to its secrets. */
interface Volume {
  readonly claim: Vertex;
  readonly to: readonly Vertex[];
}

/**
 * Which objects are related to which nodes:
 *
 *     node ← pod ← configmap, secret, serviceaccount, resourceclaim, persistentvolumeclaim ← persistentvolume ← secret
 *     node ← volumeattachment, resourceslice
 *
 * Kept up to date object by object, so that a question costs a look into a map or two, however large the cluster is. Upstream's
 * graph answers the same questions.
 */
export class NodeGraph {
  private readonly sources = new Map<Vertex, Source>();
  private readonly volumes = new Map<Vertex, Volume>();
  /** How many sources relate a vertex to a node. */
  private readonly relations = new Map<Vertex, Map<string, number>>();
  /** Through which claims a vertex may be related to further nodes, and how often. */
  private readonly claims = new Map<Vertex, Map<string, number>>();

  /** `source` is related to `node`, and so is everything that it refers to. Replaces what was said about it. */
  relate(source: Vertex, node: string, references: Iterable<Vertex>): void {
    this.remove(source);
    const to = [...new Set([source, ...references])];
    this.sources.set(source, { node, to });
    for (const one of to) count(this.relations, one, node, 1);
  }

  /** The volume belongs to the claim: whoever is related to that is related to the volume and its secrets. */
  bindVolume(volume: Vertex, claim: Vertex, references: Iterable<Vertex>): void {
    this.remove(volume);
    const to = [...new Set([volume, ...references])];
    this.volumes.set(volume, { claim, to });
    for (const one of to) count(this.claims, one, claim, 1);
  }

  /** Forgets an object and what it related. */
  remove(source: Vertex): void {
    const { node = '', to = [] } = this.sources.get(source) ?? {};
    this.sources.delete(source);
    for (const one of to) count(this.relations, one, node, -1);
    const volume = this.volumes.get(source);
    if (volume === undefined) return;
    this.volumes.delete(source);
    for (const one of volume.to) count(this.claims, one, volume.claim, -1);
  }

  isRelated(node: string, to: Vertex): boolean {
    if (this.relations.get(to)?.has(node) === true) return true;
    for (const claim of this.claims.get(to)?.keys() ?? []) {
      if (this.relations.get(claim as Vertex)?.has(node) === true) return true;
    }
    return false;
  }

  clear(): void {
    for (const map of [this.sources, this.volumes, this.relations, this.claims]) map.clear();
  }

  /** How many objects are remembered: 0 once all have been removed. */
  get size(): number {
    return this.sources.size + this.volumes.size + this.relations.size + this.claims.size;
  }
}

function count(table: Map<Vertex, Map<string, number>>, key: Vertex, value: string, change: 1 | -1): void {
  const counts = table.get(key) ?? new Map<string, number>();
  const next = (counts.get(value) ?? 0) + change;
  if (next > 0) counts.set(value, next);
  else counts.delete(value);
  if (counts.size > 0) table.set(key, counts);
  else table.delete(key);
}
