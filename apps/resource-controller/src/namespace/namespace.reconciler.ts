import { type Namespace, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  deepEqualSemantic,
  InjectConfig,
  InjectDependencies,
  type Lister,
  type ReconcileResult,
  Reconciler,
  type Watches,
} from '#controller';
import { ApiError, type DeepReadonly, formatTime } from '#machinery';
import { type ResourceControllerConfig } from '../identities';
import { deletionConditions, type Findings } from './conditions';
import { deleteContent, discoverNamespaced, type NamespacedResource, type Remaining } from './content';

/** The finalizer in `spec.finalizers` that stands for this controller. */
const FINALIZER = 'kubernetes';
/** How soon to look again while something remains that does not tell when it will be gone. */
const RETRY_MS = 500;
/** Upstream waits for half of the longest grace period that is left, at most this long. */
const MAX_WAIT_MS = 15_000;

/**
 * Empties a namespace that is being deleted, and then lets it go. Pods go first: nothing that protects or serves them may be
 * removed while they run (KEP-5080).
 */
@Reconciler({ name: 'namespace', workers: 10 })
export class NamespaceReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private namespaces!: Lister<Namespace>;

  constructor(
    @InjectDependencies() private readonly dependencies: ControllerDependencies,
    @InjectConfig() config: ResourceControllerConfig,
  ) {
    this.client = config.clientAs('namespace-controller');
  }

  watch(watches: Watches): void {
    this.namespaces = watches.primary(resources.namespaces).lister;
    // The last pod that goes lets the rest be removed at once, however long its grace period was.
    watches.mapped(
      resources.pods,
      ({ metadata }) => (metadata?.deletionTimestamp === undefined ? [] : [metadata.namespace ?? '']),
      () => false,
    );
  }

  async reconcile(name: string): Promise<ReconcileResult | void> {
    const namespace = this.namespaces.get('', name);
    if (namespace?.metadata?.deletionTimestamp === undefined) return;
    if (!namespace.spec?.finalizers?.includes(FINALIZER)) return;
    const { findings, graceSeconds } = await this.empty(name);
    await this.reportProgress(namespace, findings);
    const isEmpty =
      findings.remaining.size + findings.deletionFailures.length + findings.discoveryFailures.length === 0;
    if (isEmpty) return this.finalize(name);
    return { requeueAfterMs: Math.min(MAX_WAIT_MS, Math.max(RETRY_MS, (graceSeconds * 1000) / 2)) };
  }

  private async empty(namespace: string): Promise<{ findings: Findings; graceSeconds: number }> {
    const discovery = await discoverNamespaced(this.client);
    const isPods = ({ group, plural }: NamespacedResource): boolean => group === '' && plural === 'pods';
    const remaining = new Map<string, number>();
    const finalizers = new Map<string, number>();
    const deletionFailures: string[] = [];
    let graceSeconds = 0;
    const remove = async (resource: NamespacedResource): Promise<void> => {
      const title = `${resource.plural}.${resource.group}`;
      try {
        const left: Remaining = await deleteContent(this.client, resource, namespace);
        if (left.count > 0) remaining.set(title, left.count);
        for (const [finalizer, count] of left.finalizers)
          finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + count);
        graceSeconds = Math.max(graceSeconds, left.graceSeconds);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        deletionFailures.push(`${title}: ${error.message}`);
      }
    };
    await Promise.all(discovery.resources.filter(isPods).map(remove));
    if (remaining.size + deletionFailures.length === 0) {
      await Promise.all(discovery.resources.filter((resource) => !isPods(resource)).map(remove));
    }
    return {
      findings: { discoveryFailures: discovery.failures, deletionFailures, remaining, finalizers },
      graceSeconds,
    };
  }

  private async reportProgress(namespace: DeepReadonly<Namespace>, findings: Findings): Promise<void> {
    const current = namespace.status?.conditions ?? [];
    const conditions = deletionConditions(findings, current, formatTime(this.dependencies.clock.now()));
    const kept = current.filter(({ type }) => !conditions.some((condition) => condition.type === type));
    if (deepEqualSemantic([...kept, ...conditions], current)) return;
    // An update and not a patch: upstream's role for this controller allows no patch of namespaces.
    const status = { ...namespace.status, phase: 'Terminating', conditions: [...kept, ...conditions] };
    await this.client.update(resources.namespaces, { ...namespace, status }, { subresource: 'status' });
  }

  /** Reads the namespace afresh: the status was just written. */
  private async finalize(name: string): Promise<void> {
    const namespace = await this.client.get(resources.namespaces, { namespace: '', name });
    const finalizers = namespace.spec?.finalizers?.filter((finalizer) => finalizer !== FINALIZER) ?? [];
    await this.client.raw({
      method: 'PUT',
      path: `/api/v1/namespaces/${name}/finalize`,
      body: { ...namespace, spec: { ...namespace.spec, finalizers } },
    });
  }
}
