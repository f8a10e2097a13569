import { type ServiceAccount, type Namespace, resources } from '#api';
import {
  type ControllerDependencies,
  InjectConfig,
  InjectDependencies,
  type Lister,
  Reconciler,
  type Watches,
} from '#controller';
import { hasReason } from '#machinery';
import { type ResourceControllerConfig } from './identities';
import { isNamespaceTerminating } from './namespace/terminating';

const DEFAULT = 'default';

/** Sees to it that every active namespace has the service account `default`. Keys are namespaces. */
@Reconciler({ name: 'serviceaccount' })
export class ServiceAccountReconciler implements Reconciler {
  private namespaces!: Lister<Namespace>;
  private serviceAccounts!: Lister<ServiceAccount>;

  constructor(
    @InjectDependencies() _dependencies: ControllerDependencies,
    @InjectConfig() private readonly config: ResourceControllerConfig,
  ) {}

  watch(watches: Watches): void {
    this.namespaces = watches.primary(resources.namespaces).lister;
    this.serviceAccounts = watches.mapped(resources.serviceAccounts, ({ metadata }) =>
      metadata?.name === DEFAULT ? [metadata.namespace ?? ''] : [],
    ).lister;
  }

  async reconcile(namespace: string): Promise<void> {
    if (this.namespaces.get('', namespace)?.status?.phase !== 'Active') return;
    if (this.serviceAccounts.get(namespace, DEFAULT) !== undefined) return;
    try {
      const account: ServiceAccount = {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { namespace, name: DEFAULT },
      };
      await this.config.clientAs('service-account-controller').create(resources.serviceAccounts, account);
    } catch (error) {
      // Somebody else made it, or the namespace began to end.
      if (!hasReason(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
    }
  }
}
