import { type Pod, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { ageOf, humanDuration } from '../common/duration';
import { columnsOf } from '../common/table';
import { NONE } from '../common/text';
import { type TableDefinition, type TableRowCondition } from '../strategy';
import { summarisePod } from './pod-summary';

const over: Readonly<Record<string, TableRowCondition>> = {
  Succeeded: {
    type: 'Completed',
    status: 'True',
    reason: 'Succeeded',
    message: 'The pod has completed successfully.',
  },
  Failed: { type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' },
};

export const podTable: TableDefinition<Pod> = {
  ...columnsOf(resources.pods, [
    { name: 'Name', format: 'name', about: '.metadata.name' },
    { name: 'Ready', about: 'The aggregate readiness state of this pod for accepting traffic.' },
    { name: 'Status', about: 'The aggregate status of the containers in this pod.' },
    {
      name: 'Restarts',
      about:
        'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    },
    { name: 'Age', about: '.metadata.creationTimestamp' },
    { name: 'IP', about: '.status.podIP', wide: true },
    { name: 'Node', about: '.spec.nodeName', wide: true },
    { name: 'Nominated Node', about: '.status.nominatedNodeName', wide: true },
    { name: 'Readiness Gates', about: '.spec.readinessGates', wide: true },
  ]),

  cells(pod, nowMs) {
    const { ready, total, status, restarts, lastRestartMs } = summarisePod(pod);
    const when = restarts > 0 && lastRestartMs > 0 ? ` (${humanDuration(nowMs - lastRestartMs)} ago)` : '';
    return [
      pod.metadata?.name ?? '',
      `${ready}/${total}`,
      status,
      `${restarts}${when}`,
      ageOf(pod.metadata?.creationTimestamp, nowMs),
      pod.status?.podIPs?.[0]?.ip ?? (pod.status?.podIP || NONE),
      pod.spec?.nodeName || NONE,
      pod.status?.nominatedNodeName || NONE,
      readinessGates(pod),
    ];
  },

  conditions(pod) {
    const condition = over[pod.status?.phase ?? ''];
    return condition === undefined ? [] : [condition];
  },
};

function readinessGates(pod: DeepReadonly<Pod>): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const open = gates.filter(({ conditionType }) =>
    (pod.status?.conditions ?? []).some(({ type, status }) => type === conditionType && status === 'True'),
  );
  return `${open.length}/${gates.length}`;
}
