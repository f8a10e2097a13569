import { type ConfigMap, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { type ClusterInfo, bootstrapTokens, clusterInfoKubeconfig, readClusterInfo } from '#pki';
import { type Bootstrap } from './bootstrap';

const { namespace, name, kubeconfigKey } = bootstrapTokens.clusterInfo;

/**
 * Keeps `kube-public/cluster-info`: where this cluster is and which authority signs for it, for nodes that join. The signatures in it are
 * the bootstrap signer's.
 */
export class ClusterInfoKeeper {
  private readonly wanted: ConfigMap;
  /** Another's text that was read and found good: reading costs a hundred times as much as comparing. */
  private accepted: string | undefined;

  constructor(private readonly info: ClusterInfo) {
    this.wanted = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name },
      data: { [kubeconfigKey]: clusterInfoKubeconfig(info) },
    };
  }

  /** @param mayMove whether an address that differs is put right. Several gateways would otherwise overwrite each other's for ever. */
  async ensure(bootstrap: Bootstrap, mayMove: boolean): Promise<void> {
    await bootstrap.ensureAll(resources.configMaps, [this.wanted], (existing: DeepReadonly<ConfigMap>) => {
      if (this.isGood(existing.data?.[kubeconfigKey] ?? '', mayMove)) return undefined;
      const copy = structuredClone(existing) as ConfigMap;
      copy.data = { ...copy.data, ...this.wanted.data };
      return copy;
    });
  }

  private isGood(text: string, mayMove: boolean): boolean {
    if (text === this.wanted.data?.[kubeconfigKey] || (text === this.accepted && !mayMove)) return true;
    const known = readClusterInfo(text);
    if (known?.authorityPem !== this.info.authorityPem) return false;
    if (known.server !== this.info.server && mayMove) return false;
    this.accepted = text;
    return true;
  }
}
