import { row } from '../common/strategy.fixture';
import { podTable } from './pod-table';
import { pods } from './pods';

const waiting = (reason: string): object => ({ state: { waiting: { reason } } });
const ended = (exitCode: number, more: object = {}): object => ({ state: { terminated: { exitCode, ...more } } });
const running = { state: { running: {} }, ready: true };

function pod(status: object, more: { metadata?: object; spec?: object } = {}): object {
  return {
    metadata: { name: 'a', creationTimestamp: '2026-01-01T11:59:00Z', ...more.metadata },
    spec: { containers: [{ name: 'c' }], ...more.spec },
    status,
  };
}

function container(fields: object, restartCount = 0): object {
  return { name: 'c', ready: false, restartCount, ...fields };
}

describe('the table of pods', () => {
  it.each<[string, object, { metadata?: object; spec?: object }, string, string]>([
    ['a new pod', { phase: 'Pending' }, {}, '0/1', 'Pending'],
    ['one that runs', { phase: 'Running', containerStatuses: [container(running)] }, {}, '1/1', 'Running'],
    [
      'one that crashes',
      { phase: 'Running', containerStatuses: [container(waiting('CrashLoopBackOff'))] },
      {},
      '0/1',
      'CrashLoopBackOff',
    ],
    ['one that failed', { phase: 'Failed', containerStatuses: [container(ended(3))] }, {}, '0/1', 'ExitCode:3'],
    [
      'one that was killed',
      { phase: 'Failed', containerStatuses: [container(ended(137, { signal: 9 }))] },
      {},
      '0/1',
      'Signal:9',
    ],
    ['one with a reason', { phase: 'Failed', reason: 'Evicted' }, {}, '0/1', 'Evicted'],
    [
      'one that is done',
      { phase: 'Succeeded', containerStatuses: [container(ended(0, { reason: 'Completed' }))] },
      {},
      '0/1',
      'Completed',
    ],
    [
      'one that is half done and ready',
      {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [container(ended(0, { reason: 'Completed' })), container(running)],
      },
      { spec: { containers: [{ name: 'c' }, { name: 'd' }] } },
      '1/2',
      'Running',
    ],
    [
      'one that is half done and not ready',
      { phase: 'Running', containerStatuses: [container(ended(0, { reason: 'Completed' })), container(running)] },
      { spec: { containers: [{ name: 'c' }, { name: 'd' }] } },
      '1/2',
      'NotReady',
    ],
    [
      'one whose first init container runs',
      { phase: 'Pending', initContainerStatuses: [container({ state: { running: {} } })] },
      { spec: { containers: [{ name: 'c' }], initContainers: [{ name: 'c' }, { name: 'i' }] } },
      '0/1',
      'Init:0/2',
    ],
    [
      'one whose init container crashes',
      { phase: 'Pending', initContainerStatuses: [container(waiting('CrashLoopBackOff'))] },
      { spec: { containers: [{ name: 'c' }], initContainers: [{ name: 'c' }] } },
      '0/1',
      'Init:CrashLoopBackOff',
    ],
    [
      'one whose init container failed',
      { phase: 'Pending', initContainerStatuses: [container(ended(2))] },
      { spec: { containers: [{ name: 'c' }], initContainers: [{ name: 'c' }] } },
      '0/1',
      'Init:ExitCode:2',
    ],
    [
      'one with a sidecar',
      {
        phase: 'Running',
        initContainerStatuses: [{ ...container(running), name: 'side', started: true }],
        containerStatuses: [container(running)],
      },
      { spec: { containers: [{ name: 'c' }], initContainers: [{ name: 'side', restartPolicy: 'Always' }] } },
      '2/2',
      'Running',
    ],
    [
      'one that ends',
      { phase: 'Running', containerStatuses: [container(running)] },
      { metadata: { deletionTimestamp: '2026-01-01T12:00:00Z' } },
      '1/1',
      'Terminating',
    ],
    [
      'one on a lost node',
      { phase: 'Running', reason: 'NodeLost' },
      { metadata: { deletionTimestamp: '2026-01-01T12:00:00Z' } },
      '0/1',
      'Unknown',
    ],
    [
      'one that waits for a gate',
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
      {},
      '0/1',
      'SchedulingGated',
    ],
  ])('%s', (_name, status, more, ready, text) => {
    expect(row(pods, pod(status, more))).toMatchObject({ Name: 'a', Ready: ready, Status: text, Age: '60s' });
  });

  it('adds up restarts and tells when the last one was', () => {
    const lastState = (finishedAt: string | null): object => ({
      lastState: { terminated: { exitCode: 1, finishedAt } },
    });
    const statuses = [
      container({ ...running, ...lastState('2026-01-01T11:50:00Z') }, 2),
      container({ ...running, ...lastState('2026-01-01T11:58:30Z') }, 1),
      container({ ...running, ...lastState(null) }, 1),
    ];
    const { Restarts } = row(pods, pod({ phase: 'Running', containerStatuses: statuses }));
    expect(Restarts).toBe('4 (90s ago)');
  });

  it('shows addresses, nodes and gates in the wide columns', () => {
    const wide = pod(
      { podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'g', status: 'True' }] },
      { spec: { containers: [], nodeName: 'n', readinessGates: [{ conditionType: 'g' }, { conditionType: 'h' }] } },
    );
    expect(row(pods, wide)).toMatchObject({
      IP: '10.0.0.1',
      Node: 'n',
      'Nominated Node': '<none>',
      'Readiness Gates': '1/2',
    });
  });

  it.each([
    ['Running', []],
    ['Succeeded', ['Succeeded']],
    ['Failed', ['Failed']],
  ])('%s: says whether the pod is over', (phase, reasons) => {
    expect(podTable.conditions?.({ status: { phase } }).map(({ reason }) => reason)).toEqual(reasons);
  });
});
