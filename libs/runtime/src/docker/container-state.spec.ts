import { type ContainerInspectInfo } from 'dockerode';
import { toContainerStatus } from './container-state';
import { parseCgroups } from './cgroup-stats';

const never = '0001-01-01T00:00:00Z';
const created = '2026-01-01T00:00:00.123456789Z';
const started = '2026-01-01T00:00:01Z';
const finished = '2026-01-01T00:00:09Z';
const nothing = { Running: false, Paused: false, Restarting: false, OOMKilled: false, Error: '', Pid: 0, ExitCode: 0 };

function statusOf(state: object) {
  const info = {
    Id: 'id',
    Created: created,
    Image: 'sha256:1',
    Config: { Labels: {}, Image: 'nginx', Tty: false },
    State: { ...nothing, StartedAt: never, FinishedAt: never, ...state },
  } as unknown as ContainerInspectInfo;
  return toContainerStatus(info, (id) => `repository@${id}`).status;
}

const ended = { StartedAt: started, FinishedAt: finished };

test.each<[string, object, object]>([
  ['created', {}, { state: 'created', imageId: 'repository@sha256:1', createdAt: Date.parse(created) }],
  ['running', { Running: true, StartedAt: started }, { state: 'running', startedAt: Date.parse(started) }],
  ['paused', { Running: true, Paused: true, StartedAt: started }, { state: 'running' }],
  ['completed', ended, { state: 'exited', exitCode: 0, reason: 'Completed', finishedAt: Date.parse(finished) }],
  ['failed', { ...ended, ExitCode: 2 }, { state: 'exited', exitCode: 2, reason: 'Error' }],
  ['out of memory', { ...ended, ExitCode: 137, OOMKilled: true }, { exitCode: 137, reason: 'OOMKilled' }],
  [
    'never started',
    { ExitCode: 127, Error: 'exec: "x": executable file not found in $PATH' },
    {
      state: 'exited',
      exitCode: 127,
      reason: 'ContainerCannotRun',
      message: 'exec: "x": executable file not found in $PATH',
    },
  ],
])('%s', (_name, state, expected) => {
  expect(statusOf(state)).toMatchObject(expected);
});

test('a container that runs has neither an end nor an exit code', () => {
  const status = statusOf({ Running: true, StartedAt: started, ExitCode: 0 });
  expect(status).not.toHaveProperty('finishedAt');
  expect(status).not.toHaveProperty('exitCode');
});

test.each([
  [
    '12:cpu,cpuacct:/docker/a\n9:memory:/docker/a\n0::/x\n',
    { cpuacct: '/docker/a', memory: '/docker/a', unified: '/x' },
  ],
  ['0::/system.slice/docker-a.scope\n', { unified: '/system.slice/docker-a.scope' }],
  ['3:name=systemd:/a:b\n', {}],
])('cgroups of a process: %j', (text, expected) => {
  expect(parseCgroups(text)).toEqual(expected);
});
