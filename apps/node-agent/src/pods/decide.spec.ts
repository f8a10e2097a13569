import { type ContainerStatus, type SandboxStatus } from '#runtime';
import { containerHash } from './container-hash';
import { decide } from './decide';
import { hashAnnotation, type PodAction } from './pod-action';
import { findContainer, type PodObject } from './pod-containers';
import { type ContainerHealth, type PodView } from './pod-view';

const now = 1_000_000;

interface Given {
  /** `init a`, `sidecar b`, `main c`; default: `main main`. */
  readonly containers?: readonly string[];
  readonly policy?: 'Always' | 'OnFailure' | 'Never';
  readonly sandbox?: 'none' | 'ready' | 'lost';
  /** `a running`, `a exited 1`, `a created`, newest first. */
  readonly state?: readonly string[];
  readonly health?: Readonly<Record<string, Partial<ContainerHealth>>>;
  readonly held?: Readonly<Record<string, number>>;
  readonly stopping?: readonly string[];
  readonly grace?: number;
}

function view({ containers = ['main main'], sandbox = 'ready', state = [], ...given }: Given): PodView {
  const parsed = containers.map((text) => text.split(' ') as [string, string]);
  const spec = (kind: string, name: string) => ({
    name,
    image: 'image',
    ...(kind === 'sidecar' ? { restartPolicy: 'Always' } : {}),
  });
  const pod: PodObject = {
    metadata: { name: 'p', namespace: 'default', uid: 'u' },
    spec: {
      restartPolicy: given.policy ?? 'Always',
      initContainers: parsed.filter(([kind]) => kind !== 'main').map(([kind, name]) => spec(kind, name)),
      containers: parsed.filter(([kind]) => kind === 'main').map(([kind, name]) => spec(kind, name)),
    },
  };
  const identity = { namespace: 'default', name: 'p', uid: 'u', attempt: 0 };
  const sandboxes: SandboxStatus[] =
    sandbox === 'none'
      ? []
      : [
          {
            id: 's0',
            pod: identity,
            state: sandbox === 'ready' ? 'ready' : 'not-ready',
            createdAt: 0,
            labels: {},
            annotations: {},
          },
        ];
  const hashOf = (name: string): string => containerHash(findContainer(pod, name)!.spec);
  const statuses = state.map((text, index): ContainerStatus => {
    const [name = '', phase, code, ...rest] = text.split(' ');
    const isOld = rest.includes('old');
    return {
      id: `${name}-id${index}`,
      sandboxId: isOld ? 'before' : 's0',
      pod: identity,
      name,
      attempt: state.slice(index + 1).filter((other) => other.startsWith(`${name} `)).length,
      state: phase as ContainerStatus['state'],
      createdAt: 0,
      finishedAt: 500_000,
      exitCode: Number(code ?? 0),
      image: 'image',
      imageId: 'image',
      labels: {},
      annotations: { [hashAnnotation]: code === 'stale' ? 'other' : hashOf(name) },
    };
  });
  const nameOf = (id: string): string => statuses.find((status) => status.id === id)!.name;
  return {
    pod,
    now,
    sandboxes,
    containers: statuses,
    health: (id) => ({ isStarted: true, isReady: true, ...given.health?.[nameOf(id)] }),
    stopping: new Map((given.stopping ?? []).map((name) => [statuses.find((status) => status.name === name)!.id, now])),
    blockedUntil: (name) => given.held?.[name],
    startErrors: new Map(),
    hashOf,
    ...(given.grace === undefined ? {} : { termination: { since: now, graceSeconds: given.grace } }),
  };
}

function text(action: PodAction): string {
  switch (action.type) {
    case 'create-sandbox':
      return `sandbox #${action.attempt}`;
    case 'stop-sandbox':
      return `stop-sandbox ${action.id}`;
    case 'start-container':
      return `start ${action.name} #${action.attempt}`;
    case 'stop-container':
      return `stop ${action.name} ${action.graceSeconds}s: ${action.message}`;
  }
}

const run = (given: Given): string[] => {
  const { actions, state, backingOff } = decide(view(given));
  return [
    ...actions.map(text),
    ...[...backingOff].map(([name, until]) => `hold ${name} ${until}`),
    ...(state === 'finished' ? ['finished'] : []),
  ];
};

const initAndMain = ['init a', 'init b', 'main c'];
const withSidecar = ['sidecar proxy', 'init a', 'main c'];
const twoSidecars = ['sidecar first', 'sidecar second', 'main c'];

describe('decide', () => {
  it.each<[string, Given, string[]]>([
    ['makes a sandbox first', { sandbox: 'none' }, ['sandbox #0']],
    ['starts containers in it', {}, ['start main #0']],
    ['starts all main containers', { containers: ['main a', 'main b'] }, ['start a #0', 'start b #0']],
    ['leaves alone what runs', { state: ['main running'] }, []],
    ['makes another sandbox for a lost one', { sandbox: 'lost', state: ['main exited 137'] }, ['sandbox #1']],
    [
      'does not for a pod that never restarts',
      { sandbox: 'lost', policy: 'Never', state: ['main exited 137'] },
      ['finished'],
    ],

    ['restarts what ended', { state: ['main exited 0'] }, ['start main #1']],
    ['restarts failures only', { policy: 'OnFailure', state: ['main exited 1'] }, ['start main #1']],
    ['ends with success', { policy: 'OnFailure', state: ['main exited 0'] }, ['stop-sandbox s0']],
    ['ends whatever the outcome', { policy: 'Never', state: ['main exited 1'] }, ['stop-sandbox s0']],
    [
      'is done once the sandbox is down',
      { sandbox: 'lost', policy: 'OnFailure', state: ['main exited 0'] },
      ['finished'],
    ],
    ['waits out a crash loop', { state: ['main exited 1'], held: { main: now + 5 } }, [`hold main ${now + 5}`]],
    ['starts anew what was only created, which is no restart', { state: ['main created'] }, ['start main #0']],
    ['the same of a restart', { state: ['main created', 'main exited 1'] }, ['start main #1']],

    ['runs init containers in order', { containers: initAndMain }, ['start a #0']],
    ['waits for an init container', { containers: initAndMain, state: ['a running'] }, []],
    ['goes on to the next', { containers: initAndMain, state: ['a exited 0'] }, ['start b #0']],
    ['then to the main ones', { containers: initAndMain, state: ['b exited 0', 'a exited 0'] }, ['start c #0']],
    ['repeats a failed one', { containers: initAndMain, state: ['a exited 1'] }, ['start a #1']],
    ['gives up with Never', { containers: initAndMain, policy: 'Never', state: ['a exited 1'] }, ['stop-sandbox s0']],
    ['does not repeat them once a main container exists', { containers: initAndMain, state: ['c running'] }, []],
    ['repeats them in a new sandbox', { containers: initAndMain, state: ['a exited 0 old'] }, ['start a #1']],

    ['starts a sidecar before what follows', { containers: withSidecar }, ['start proxy #0']],
    [
      'waits until it has started',
      { containers: withSidecar, state: ['proxy running'], health: { proxy: { isStarted: false } } },
      [],
    ],
    ['goes on beside it', { containers: withSidecar, state: ['proxy running'] }, ['start a #0']],
    [
      'restarts a sidecar beside main containers',
      { containers: withSidecar, state: ['c running', 'proxy exited 0'] },
      ['start proxy #1'],
    ],
    [
      'stops sidecars when the pod is done',
      { containers: withSidecar, policy: 'Never', state: ['c exited 0', 'proxy running', 'a exited 0'] },
      ['stop proxy 30s: Stopping container proxy'],
    ],

    [
      'restarts what a liveness probe failed',
      { state: ['main running'], health: { main: { failedProbe: 'liveness' } } },
      ['stop main 30s: Container main failed liveness probe, will be restarted'],
    ],
    [
      'stops it for good with Never',
      { policy: 'Never', state: ['main running'], health: { main: { failedProbe: 'startup' } } },
      ['stop main 30s: Container main failed startup probe'],
    ],
    [
      'stops it once',
      { state: ['main running'], health: { main: { failedProbe: 'liveness' } }, stopping: ['main'] },
      [],
    ],
    [
      'replaces what has another image',
      { state: ['main running stale'] },
      ['stop main 30s: Container main definition changed, will be restarted'],
    ],

    [
      'stops main containers at once',
      { containers: ['main a', 'main b'], state: ['a running', 'b running'], grace: 10 },
      ['stop a 10s: Stopping container a', 'stop b 10s: Stopping container b'],
    ],
    [
      'sidecars after them',
      { containers: twoSidecars, state: ['c running', 'second running', 'first running'], grace: 10 },
      ['stop c 10s: Stopping container c'],
    ],
    [
      'in reverse order',
      { containers: twoSidecars, state: ['c exited 0', 'second running', 'first running'], grace: 10 },
      ['stop second 10s: Stopping container second'],
    ],
    [
      'one by one',
      { containers: twoSidecars, state: ['c exited 0', 'second exited 0', 'first running'], grace: 10 },
      ['stop first 10s: Stopping container first'],
    ],
    ['the sandbox last', { state: ['main exited 0'], grace: 10 }, ['stop-sandbox s0']],
    ['and is finished', { sandbox: 'lost', state: ['main exited 0'], grace: 10 }, ['finished']],
    ['starts nothing on the way down', { grace: 10, sandbox: 'none' }, ['finished']],
    [
      'lets even a forced stop be seen',
      { state: ['main running'], grace: 0 },
      ['stop main 1s: Stopping container main'],
    ],
  ])('%s', (_, given, expected) => {
    expect(run(given)).toEqual(expected);
  });
});

describe('of a container that the runtime has lost', () => {
  const terminated = { exitCode: 1, containerID: 'native://lost' };
  test.each([
    ['counts what ran', { state: { running: {} }, restartCount: 2 }, 3],
    ['counts what ended', { state: { terminated }, restartCount: 2 }, 3],
    ['counts what ended and waits', { state: { waiting: {} }, lastState: { terminated }, restartCount: 2 }, 3],
    ['does not count what never ran', { state: { waiting: {} }, restartCount: 0 }, 0],
    [
      'does not count a restart that never ran',
      {
        state: { waiting: {} },
        lastState: { terminated: { ...terminated, containerID: 'native://before' } },
        restartCount: 2,
      },
      2,
    ],
  ])('the next %s', (_, status, attempt) => {
    const given = view({});
    const containerStatuses = [
      { name: 'main', image: '', imageID: '', ready: false, containerID: 'native://lost', ...status },
    ];
    const { actions } = decide({ ...given, pod: { ...given.pod, status: { containerStatuses } } });
    expect(actions.map(text)).toEqual([`start main #${attempt}`]);
  });
});
