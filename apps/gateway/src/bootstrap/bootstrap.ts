import {
  type ClusterRole,
  type ClusterRoleBinding,
  type RbacSubject,
  type ResourceDefinition,
  type Role,
  type RoleBinding,
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultFlowSchemas,
  defaultNamespaces,
  defaultPriorityClasses,
  defaultPriorityLevelConfigurations,
  defaultRoleBindings,
  defaultRoles,
  joinClusterRoleBindings,
  joinClusterRoles,
  joinRoleBindings,
  joinRoles,
  resources,
} from '#api';
import { ApiError, type DeepReadonly, type KubernetesObject, decodeValue, hasReason } from '#machinery';
import { type Logger } from '#telemetry';
import { type ResourceTable } from '../api/resource-table';
import { covers } from '../authz/rules';
import { type WriteContext } from '../registry/write-context';
import { type Writer } from '../registry/writer';

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';
const manager = 'kube-apiserver';
const obsoleteBinding = 'nestor:node';

/** Creates and reconciles the objects that every cluster has, as the API server's own identity. */
export class Bootstrap {
  constructor(
    private readonly table: ResourceTable,
    private readonly writer: Writer,
    private readonly logger: Logger,
  ) {}

  /** Everything but the namespaces, which hold some of it, is independent, and written with the store's group commit. */
  async run(): Promise<void> {
    await this.ensureNamespaces();
    await Promise.all([
      this.ensureAll(resources.clusterRoles, [...defaultClusterRoles(), ...joinClusterRoles()], reconcileRole),
      this.ensureAll(
        resources.clusterRoleBindings,
        [...defaultClusterRoleBindings(), ...joinClusterRoleBindings()],
        reconcileBinding,
      ),
      this.removeObsolete(),
      this.ensureAll(resources.roles, [...defaultRoles(), ...joinRoles()], reconcileRole),
      this.ensureAll(resources.roleBindings, [...defaultRoleBindings(), ...joinRoleBindings()], reconcileBinding),
      this.ensureAll(resources.priorityClasses, defaultPriorityClasses()),
      this.ensureAll(resources.priorityLevelConfigurations, defaultPriorityLevelConfigurations()),
      this.ensureAll(resources.flowSchemas, defaultFlowSchemas()),
    ]);
  }

  /** The namespaces that every cluster has. */
  ensureNamespaces(): Promise<void> {
    return this.ensureAll(resources.namespaces, defaultNamespaces());
  }

  /** Clusters from before the Node authoriser let every node do everything that is some node's: by a binding that has to go. */
  private async removeObsolete(): Promise<void> {
    const resource = this.table.require(resources.clusterRoleBindings);
    const existing = resource.cache.get(resource.key('', obsoleteBinding))?.object;
    if (existing === undefined || isProtected(existing)) return;
    try {
      await this.writer.delete(resource, obsoleteBinding, {}, bootstrapContext('', obsoleteBinding));
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }

  /** Creates what is missing; `reconcile` returns a better version of what exists, or undefined. */
  async ensureAll<T extends KubernetesObject>(
    definition: ResourceDefinition,
    wanted: readonly T[],
    reconcile?: (existing: DeepReadonly<T>, wanted: T) => T | undefined,
  ): Promise<void> {
    await Promise.all(wanted.map((object) => this.ensure(definition, object, reconcile)));
  }

  /** Deletes an object if it is there. */
  async remove(definition: ResourceDefinition, namespace: string, name: string): Promise<void> {
    const resource = this.table.require(definition);
    if (resource.cache.get(resource.key(namespace, name)) === undefined) return;
    try {
      await this.writer.delete(resource, name, {}, bootstrapContext(namespace, name));
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'NotFound') throw error;
    }
  }

  private async ensure<T extends KubernetesObject>(
    definition: ResourceDefinition,
    wanted: T,
    reconcile?: (existing: DeepReadonly<T>, wanted: T) => T | undefined,
  ): Promise<void> {
    const resource = this.table.require(definition);
    const { name = '', namespace = '' } = wanted.metadata ?? {};
    const existing = resource.cache.get(resource.key(namespace, name))?.object;
    try {
      if (existing === undefined) {
        const { value } = decodeValue(JSON.parse(JSON.stringify(wanted)) as never, resource.schema);
        const object = value as KubernetesObject;
        object.kind = definition.kind;
        object.apiVersion = resource.apiVersion;
        resource.strategy.setDefaults?.(object);
        await this.writer.create(resource, object, bootstrapContext(namespace, ''));
        return;
      }
      const better = reconcile?.(existing as DeepReadonly<T>, wanted);
      if (better === undefined) return;
      this.logger.info({ kind: definition.kind, name }, 'reconciling a default object');
      await this.writer.update(resource, name, { next: () => better }, bootstrapContext(namespace, name));
    } catch (error) {
      // Another gateway was faster.
      if (!(error instanceof ApiError) || !['AlreadyExists', 'Conflict'].includes(error.reason)) throw error;
    }
  }
}

function bootstrapContext(namespace: string, name: string): WriteContext {
  return {
    user: { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] },
    namespace,
    name,
    subresource: '',
    options: { dryRun: false, fieldManager: manager, fieldValidation: 'Ignore', force: undefined },
    manager,
    warn: () => undefined,
  };
}

function isProtected(object: DeepReadonly<KubernetesObject>): boolean {
  return object.metadata?.annotations?.[autoUpdate] === 'false';
}

/** Adds missing rules, labels and annotations; never takes any away (administrators may have added them). */
function reconcileRole<T extends ClusterRole | Role>(existing: DeepReadonly<T>, wanted: T): T | undefined {
  if (isProtected(existing)) return undefined;
  const rules = existing.rules ?? [];
  const aggregation = (wanted as ClusterRole).aggregationRule;
  // Aggregated roles get their rules from elsewhere.
  const missing = aggregation === undefined ? (wanted.rules ?? []).filter((rule) => !covers(rules, rule)) : [];
  const metadata = mergeMetadata(existing, wanted);
  if (missing.length === 0 && metadata === undefined) return undefined;
  const copy = structuredClone(existing) as T;
  copy.rules = [...(copy.rules ?? []), ...missing];
  if (metadata !== undefined) copy.metadata = { ...copy.metadata, ...metadata };
  return copy;
}

/** Adds missing subjects. */
function reconcileBinding<T extends ClusterRoleBinding | RoleBinding>(
  existing: DeepReadonly<T>,
  wanted: T,
): T | undefined {
  if (isProtected(existing)) return undefined;
  const same = (a: DeepReadonly<RbacSubject>, b: RbacSubject): boolean =>
    a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');
  const subjects = existing.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter((subject) => !subjects.some((other) => same(other, subject)));
  const metadata = mergeMetadata(existing, wanted);
  if (missing.length === 0 && metadata === undefined) return undefined;
  const copy = structuredClone(existing) as T;
  copy.subjects = [...(copy.subjects ?? []), ...missing];
  if (metadata !== undefined) copy.metadata = { ...copy.metadata, ...metadata };
  return copy;
}

function mergeMetadata(
  existing: DeepReadonly<KubernetesObject>,
  wanted: KubernetesObject,
): { labels: Record<string, string>; annotations: Record<string, string> } | undefined {
  const labels = { ...wanted.metadata?.labels, ...existing.metadata?.labels };
  const annotations = { ...wanted.metadata?.annotations, ...existing.metadata?.annotations };
  const isSame =
    Object.keys(labels).length === Object.keys(existing.metadata?.labels ?? {}).length &&
    Object.keys(annotations).length === Object.keys(existing.metadata?.annotations ?? {}).length;
  return isSame ? undefined : { labels, annotations };
}
