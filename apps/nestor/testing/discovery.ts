import { formatGroupVersion, parseGroupVersion, type Resource } from '#api';
import { type ObjectClient } from '#client';
import { type KubernetesObject } from '#machinery';

type Found = Resource<KubernetesObject>;

interface ApiResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly shortNames?: readonly string[];
}

/** What the cluster serves, asked of it once, and again when something is not found: definitions may have come since. */
export class Discovery {
  private known: Promise<readonly Found[]> | undefined;

  constructor(private readonly client: ObjectClient) {}

  /** The resource of objects of a kind. @param apiVersion absent: of the first group that has the kind */
  ofKind(kind: string, apiVersion?: string): Promise<Found> {
    return this.find(
      apiVersion === undefined ? kind : `${apiVersion} ${kind}`,
      (resource) =>
        resource.kind === kind &&
        (apiVersion === undefined || apiVersion === formatGroupVersion(resource.group, resource.version)),
    );
  }

  /** As kubectl: `deployment`, `deployments`, `deploy`, `Deployment`, and each with a group, `deployments.apps`. */
  byName(name: string): Promise<Found> {
    const wanted = name.toLowerCase();
    return this.find(name, ({ plural, singular, shortNames, kind, group }) =>
      [plural, singular, kind.toLowerCase(), ...shortNames].some(
        (known) => known === wanted || `${known}.${group}` === wanted,
      ),
    );
  }

  private async find(what: string, isMeant: (resource: Found) => boolean): Promise<Found> {
    const isFresh = this.known === undefined;
    const found = (await (this.known ??= this.load())).find(isMeant);
    if (found !== undefined) return found;
    this.known = undefined;
    if (isFresh) throw new Error(`the cluster has no resource ${what}`);
    return this.find(what, isMeant);
  }

  /** Groups in the order in which the cluster prefers them, the core group first. */
  private async load(): Promise<readonly Found[]> {
    const { groups } = await this.get<{ groups: { versions: { groupVersion: string }[] }[] }>('/apis');
    const versions = groups.flatMap((group) => group.versions.map(({ groupVersion }) => groupVersion));
    const lists = await Promise.all(['v1', ...versions].map((version) => this.resourcesOf(version)));
    return lists.flat();
  }

  private async resourcesOf(groupVersion: string): Promise<readonly Found[]> {
    const { group, version } = parseGroupVersion(groupVersion);
    const { resources } = await this.get<{ resources: ApiResource[] }>(
      group === '' ? `/api/${version}` : `/apis/${groupVersion}`,
    );
    return resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, singularName, namespaced, kind, shortNames = [] }) => ({
        group,
        version,
        kind,
        plural: name,
        singular: singularName ?? '',
        shortNames,
        categories: [],
        namespaced,
        verbs: [],
        subresources: [],
        listKind: `${kind}List`,
      }));
  }

  private async get<T>(path: string): Promise<T> {
    return (await this.client.raw({ method: 'GET', path })) as T;
  }
}
