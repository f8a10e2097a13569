import { type ConfigMap, type Secret, resources } from '#api';
import { type ObjectClient } from '#client';
import {
  type ControllerDependencies,
  InjectConfig,
  InjectDependencies,
  type Lister,
  type ReconcileResult,
  Reconciler,
  type Watches,
} from '#controller';
import { type Clock, type DeepReadonly, hasReason } from '#machinery';
import { bootstrapTokens, signDetached } from '#pki';
import { type ResourceControllerConfig } from '../identities';
import { isTokenSecret, signingToken, tokenExpiration } from './token-secret';

const { namespace, name, kubeconfigKey, signaturePrefix } = bootstrapTokens.clusterInfo;
const key = `${namespace}/${name}`;
/** A timer takes no more than 2³¹ ms. */
const longestWaitMs = 86_400_000;

/**
 * Signs `kube-public/cluster-info` with every bootstrap token that may, so that whoever holds one can tell the cluster's authority
 * from somebody else's (`bootstrapsigner`). There is only one key.
 */
@Reconciler({ name: 'bootstrap_signer', workers: 1 })
export class BootstrapSignerReconciler implements Reconciler {
  private readonly client: ObjectClient;
  private readonly clock: Clock;
  private configMaps!: Lister<ConfigMap>;
  private secrets!: Lister<Secret>;

  constructor(
    @InjectDependencies() dependencies: ControllerDependencies,
    @InjectConfig() config: ResourceControllerConfig,
  ) {
    this.client = config.clientAs('bootstrap-signer');
    this.clock = dependencies.clock;
  }

  watch(watches: Watches): void {
    this.configMaps = watches.mapped(resources.configMaps, ({ metadata }) =>
      metadata?.namespace === namespace && metadata.name === name ? [key] : [],
    ).lister;
    this.secrets = watches.mapped(resources.secrets, (secret) => (isTokenSecret(secret) ? [key] : [])).lister;
  }

  async reconcile(): Promise<ReconcileResult | void> {
    const info = this.configMaps.get(namespace, name);
    const content = info?.data?.[kubeconfigKey];
    if (info === undefined || content === undefined) return;
    const secrets = await this.readTokens();
    const now = this.clock.now();
    const tokens = secrets.map((secret) => signingToken(secret, now)).filter((token) => token !== undefined);
    const signatures = Object.fromEntries(
      tokens.map((token) => [`${signaturePrefix}${token.id}`, signDetached(content, token)]),
    );
    const others = Object.entries(info.data ?? {}).filter(([entry]) => !entry.startsWith(signaturePrefix));
    const data: Record<string, string> = { ...Object.fromEntries(others), ...signatures };
    if (!isSame(data, info.data ?? {})) await this.client.update(resources.configMaps, { ...info, data });
    const next = Math.min(...secrets.map(tokenExpiration).filter((time) => time > now));
    return next === Infinity ? undefined : { requeueAfterMs: Math.min(next - now, longestWaitMs) };
  }

  private async readTokens(): Promise<DeepReadonly<Secret>[]> {
    const names = this.secrets.list(bootstrapTokens.namespace).filter(isTokenSecret);
    const read = names.map(({ metadata }) =>
      this.client
        .get(resources.secrets, { namespace: bootstrapTokens.namespace, name: metadata?.name ?? '' })
        .catch((error: unknown) => {
          if (hasReason(error, 'NotFound')) return undefined;
          throw error;
        }),
    );
    return (await Promise.all(read)).filter((secret) => secret !== undefined);
  }
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((entry) => a[entry] === b[entry]);
}
