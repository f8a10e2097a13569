import { type ConfigMap, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { type ClusterInfo, bootstrapTokens, clusterInfoKubeconfig, readClusterInfo } from '#pki';
import { type Bootstrap } from './bootstrap';

const { namespace, name, kubeconfigKey } = bootstrapTokens.clusterInfo;

/**
 * `kube-public/cluster-info`: where this cluster is and which authority signs for it, for nodes that join. The signatures in it are
 * the bootstrap signer's.
 * @param mayMove whether an address that differs is put right. Several gateways would otherwise overwrite each other's for ever.
 */
export async function ensureClusterInfo(bootstrap: Bootstrap, info: ClusterInfo, mayMove: boolean): Promise<void> {
  const wanted: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name },
    data: { [kubeconfigKey]: clusterInfoKubeconfig(info) },
  };
  await bootstrap.ensureAll(resources.configMaps, [wanted], (existing: DeepReadonly<ConfigMap>) => {
    const known = readClusterInfo(existing.data?.[kubeconfigKey] ?? '');
    if (known?.authorityPem === info.authorityPem && (known.server === info.server || !mayMove)) return undefined;
    const copy = structuredClone(existing) as ConfigMap;
    copy.data = { ...copy.data, ...wanted.data };
    return copy;
  });
}
