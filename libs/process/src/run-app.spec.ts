import { type RunningComponent, silentLogger } from '#telemetry';
import { FakeClock, settle } from '#testing';
import { type ProcessContext } from './process-context';
import { type Host, runApp } from './run-app';
import { type SettingsTable } from './settings';

/** A process that writes down what happens to it. */
class TestHost implements Host {
  readonly clock = new FakeClock();
  readonly random = (): number => 0.5;
  readonly args: string[] = [];
  readonly env: NodeJS.ProcessEnv = {};
  readonly exits: number[] = [];
  out = '';
  err = '';
  private readonly listeners = new Map<string, (what: unknown) => void>();

  print(to: 'out' | 'err', text: string): void {
    this[to] += text;
  }
  createLogger = silentLogger;
  on(event: string, listener: (what: unknown) => void): void {
    this.listeners.set(event, listener);
  }
  exit(code: number): void {
    this.exits.push(code);
  }
  emit(event: string, what?: unknown): void {
    this.listeners.get(event)?.(what);
  }
}

const settings = { N: { kind: 'integer', default: '1', help: 'a number' } } as const satisfies SettingsTable;
type Start = (context: ProcessContext<typeof settings>) => Promise<void>;

describe('the life of a process', () => {
  let host: TestHost;
  let stopped: string[];
  let context: ProcessContext<typeof settings> | undefined;
  let slow: Promise<void>;
  let finishSlow: () => void;

  const component = (name: string, stop: () => Promise<void> = () => Promise.resolve()): RunningComponent => ({
    name,
    stop: () => {
      stopped.push(name);
      return stop();
    },
  });
  const run = (start: Start): Promise<void> =>
    runApp(
      {
        name: 'app',
        description: 'an app',
        settings,
        start: (given) => {
          context = given;
          return start(given);
        },
      },
      host,
    );
  const ended = async (): Promise<number[]> => {
    for (let i = 0; i < 200 && host.exits.length === 0; i++) await new Promise((resolve) => setImmediate(resolve));
    return host.exits;
  };

  beforeEach(() => {
    host = new TestHost();
    stopped = [];
    context = undefined;
    slow = new Promise((resolve) => (finishSlow = resolve));
  });
  // In a test the process does not end: its health server has to be closed.
  afterEach(async () => {
    finishSlow();
    host.emit('SIGTERM');
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  });

  it('stops in reverse order at SIGTERM, and ends with 0', async () => {
    await run(async ({ add }) => {
      add(component('first'));
      add(component('second'));
    });
    expect(host.exits).toEqual([]);
    host.emit('SIGTERM');
    expect(await ended()).toEqual([0]);
    expect(stopped).toEqual(['second', 'first']);
    expect(host.clock.pending).toBe(0);
  });

  it('ends with 1 at a second signal, while the first stop still runs', async () => {
    await run(async ({ add }) => void add(component('slow', () => slow)));
    host.emit('SIGTERM');
    await settle();
    expect(host.exits).toEqual([]);
    host.emit('SIGINT');
    expect(host.exits).toEqual([1]);
  });

  it('ends with 1 when the stop takes too long', async () => {
    host.env['SHUTDOWN_TIMEOUT'] = '5s';
    await run(async ({ add }) => void add(component('slow', () => slow)));
    host.emit('SIGTERM');
    await host.clock.advance(4999);
    expect(host.exits).toEqual([]);
    await host.clock.advance(1);
    expect(host.exits).toEqual([1]);
  });

  it('stops the others when one cannot be stopped, and ends with 1', async () => {
    await run(async ({ add }) => {
      add(component('first'));
      add(component('bad', () => Promise.reject(new Error('no'))));
    });
    host.emit('SIGTERM');
    expect(await ended()).toEqual([1]);
    expect(stopped).toEqual(['bad', 'first']);
  });

  it.each(['uncaughtException', 'unhandledRejection'])('ends with 1 at once on %s', async (event) => {
    await run(() => Promise.resolve());
    host.emit(event, new Error('defect'));
    expect(host.exits).toEqual([1]);
  });

  it('ends with 1 at once when it cannot do any more what it is for', async () => {
    let fail: () => void = () => undefined;
    await run(async (context) => {
      fail = () => context.fail(new Error('the disk is broken'), 'the store has failed');
    });
    expect(host.exits).toEqual([]);
    fail();
    expect(host.exits).toEqual([1]);
  });

  it('says why it does not start', async () => {
    await run(() => Promise.reject(new Error('the port is taken')));
    expect(host.exits).toEqual([1]);
    expect(host.err).toBe('app does not start: the port is taken\n');
  });

  it('stops what has started when the signal comes in the middle', async () => {
    const running = run(async ({ add, signal }) => {
      add(component('first'));
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      add(component('late'));
    });
    for (let i = 0; i < 200 && context === undefined; i++) await new Promise((resolve) => setImmediate(resolve));
    host.emit('SIGTERM');
    await running;
    expect(await ended()).toEqual([0]);
    expect(stopped).toEqual(['late', 'first']);
  });

  it('refuses what it cannot read with 2, and prints help with 0', async () => {
    host.env['N'] = 'x';
    host.env['HEALTH_ADDRESS'] = 'y';
    await run(() => Promise.resolve());
    expect(host.exits).toEqual([2]);
    expect(host.err.split('\n')).toHaveLength(3);
    host = new TestHost();
    host.args.push('--help');
    await run(() => Promise.resolve());
    expect(host.exits).toEqual([0]);
    expect(host.out).toContain('N                 a number (integer; default 1)');
    host = new TestHost();
    host.args.push('--verbose');
    await run(() => Promise.resolve());
    expect(host.exits).toEqual([2]);
  });
});
