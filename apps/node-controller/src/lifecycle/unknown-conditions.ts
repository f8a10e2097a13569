import { type Node, type NodeCondition } from '#api';
import { type DeepReadonly } from '#machinery';

const WATCHED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

/** The conditions of a node that has fallen silent, or undefined if it already has them. Upstream's reasons and messages. */
export function unknownConditions(node: DeepReadonly<Node>, now: string): NodeCondition[] | undefined {
  const current = node.status?.conditions ?? [];
  const changed = WATCHED.flatMap((type): NodeCondition[] => {
    const old = current.find((condition) => condition.type === type);
    if (old?.status === 'Unknown') return [];
    const heartbeat = old?.lastHeartbeatTime ?? node.metadata?.creationTimestamp ?? now;
    const [reason, message] =
      old === undefined
        ? ['NodeStatusNeverUpdated', 'Kubelet never posted node status.']
        : ['NodeStatusUnknown', 'Kubelet stopped posting node status.'];
    return [{ type, status: 'Unknown', reason, message, lastHeartbeatTime: heartbeat, lastTransitionTime: now }];
  });
  return changed.length === 0 ? undefined : changed;
}
