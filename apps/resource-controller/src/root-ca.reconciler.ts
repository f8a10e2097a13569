import { type ConfigMap, type Namespace, resources } from '#api';
import {
  type ControllerDependencies,
  deepEqualSemantic,
  InjectConfig,
  InjectDependencies,
  type Lister,
  Reconciler,
  type Watches,
} from '#controller';
import { hasReason } from '#machinery';
import { type ResourceControllerConfig } from './identities';
import { isNamespaceTerminating } from './namespace/terminating';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION_KEY = 'kubernetes.io/description';
/** Upstream's words: people read them in `kubectl describe`. */
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Publishes the cluster's CA in every namespace, for pods to verify the API with (KEP-1205). Keys are namespaces. */
@Reconciler({ name: 'root-ca-certificate-publisher' })
export class RootCaReconciler implements Reconciler {
  private namespaces!: Lister<Namespace>;
  private configMaps!: Lister<ConfigMap>;

  constructor(
    @InjectDependencies() _dependencies: ControllerDependencies,
    @InjectConfig() private readonly config: ResourceControllerConfig,
  ) {}

  watch(watches: Watches): void {
    this.namespaces = watches.primary(resources.namespaces).lister;
    this.configMaps = watches.mapped(resources.configMaps, ({ metadata }) =>
      metadata?.name === NAME ? [metadata.namespace ?? ''] : [],
    ).lister;
  }

  async reconcile(namespace: string): Promise<void> {
    if (this.namespaces.get('', namespace)?.status?.phase !== 'Active') return;
    const client = this.config.clientAs('root-ca-cert-publisher');
    const data = { 'ca.crt': this.config.rootCa };
    const current = this.configMaps.get(namespace, NAME);
    if (current === undefined) {
      const metadata = { namespace, name: NAME, annotations: { [DESCRIPTION_KEY]: DESCRIPTION } };
      try {
        await client.create(resources.configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
      }
      return;
    }
    const annotations = current.metadata?.annotations;
    if (deepEqualSemantic(current.data, data) && annotations?.[DESCRIPTION_KEY] === DESCRIPTION) return;
    const metadata = { ...current.metadata, annotations: { ...annotations, [DESCRIPTION_KEY]: DESCRIPTION } };
    await client.update(resources.configMaps, { ...current, metadata, data });
  }
}
