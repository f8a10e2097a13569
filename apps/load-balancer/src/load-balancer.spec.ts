import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '#machinery';
import { type Address } from '#process';
import { Registry, silentLogger } from '#telemetry';
import { FakeClock, settle } from '#testing';
import { type BackendState } from './backends';
import { type RunningLoadBalancer, startLoadBalancer } from './load-balancer';

const LOOPBACK = '127.0.0.1';

/** A server that says its name, then everything that it is told; what it was told by half-closed clients in one piece. */
class Upstream {
  readonly sockets = new Set<Socket>();
  readonly server: Server;

  constructor(readonly name: string) {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
      socket.write(`${name}:`);
      socket.pipe(socket);
    });
  }

  async listen(): Promise<Address> {
    this.server.listen(0, LOOPBACK);
    await once(this.server, 'listening');
    return { host: LOOPBACK, port: (this.server.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }
}

describe('the load balancer', () => {
  const states = new Map<number, BackendState>();
  const clock = new FakeClock();
  let upstreams: readonly [Upstream, Upstream];
  let backends: Address[];
  let balancer: RunningLoadBalancer;

  beforeEach(async () => {
    upstreams = [new Upstream('a'), new Upstream('b')];
    backends = await Promise.all(upstreams.map((upstream) => upstream.listen()));
    states.clear();
    balancer = await startLoadBalancer(
      {
        listen: { host: LOOPBACK, port: 0 },
        backends,
        checkIntervalMs: 1000,
        checkTimeoutMs: 1000,
        connectTimeoutMs: 5000,
      },
      {
        clock,
        logger: silentLogger(),
        metrics: new Registry(),
        check: ({ port }) => Promise.resolve(states.get(port) ?? 'ready'),
      },
    );
    await settle();
  });
  afterEach(async () => {
    await balancer.stop();
    for (const upstream of upstreams) await upstream.close();
  });

  const mark = async (index: 0 | 1, state: BackendState): Promise<void> => {
    states.set(backends[index]?.port ?? 0, state);
    await clock.advance(1000);
  };
  const dial = (): Socket => connect({ ...balancer.address, allowHalfOpen: true }).on('error', () => undefined);

  /** Sends a text and the end; resolves with all that comes back. */
  async function talk(text: string): Promise<string> {
    const socket = dial();
    socket.end(text);
    let answer = '';
    for await (const chunk of socket.setEncoding('utf8')) answer += String(chunk);
    return answer;
  }

  it('gives connections to each in turn, and passes bytes and ends both ways', async () => {
    expect(balancer.available()).toBe(2);
    const big = 'x'.repeat(1 << 20);
    expect(await talk('1')).toBe('a:1');
    expect(await talk(big)).toBe(`b:${big}`);
    expect(await talk('3')).toBe('a:3');
  });

  it('gives none to one that drains, which keeps those that it has', async () => {
    const socket = dial();
    expect(String(await once(socket, 'data'))).toBe('a:');
    await mark(0, 'draining');
    expect(await talk('1')).toBe('b:1');
    expect(await talk('2')).toBe('b:2');
    socket.write('still here');
    expect(String(await once(socket, 'data'))).toBe('still here');
    socket.destroy();
  });

  it('closes the connections of one that is dead', async () => {
    const socket = dial();
    expect(String(await once(socket, 'data'))).toBe('a:');
    const closed = once(socket.resume(), 'end');
    await mark(0, 'dead');
    await closed;
    socket.destroy();
    expect(balancer.available()).toBe(1);
  });

  it('tries the other when one cannot be reached, before any check has noticed', async () => {
    await upstreams[0].close();
    expect(await talk('1')).toBe('b:1');
    expect(await talk('2')).toBe('b:2');
  });

  it('turns clients away when none can be reached, and takes them again later', async () => {
    for (const upstream of upstreams) await upstream.close();
    expect(await talk('1').catch((error: NodeJS.ErrnoException) => error.code)).toMatch(/^$|ECONNRESET/);
    upstreams[1].server.listen(backends[1]?.port, LOOPBACK);
    await once(upstreams[1].server, 'listening');
    expect(await talk('2')).toBe('b:2');
  });

  it('lets go of a backend whose client has gone', async () => {
    const socket = dial();
    await once(socket, 'data');
    const [upstream] = [...upstreams[0].sockets];
    const closed = once(upstream as Socket, 'close');
    socket.resetAndDestroy();
    await closed;
  });

  it('ends every connection when it stops, once', async () => {
    const socket = dial();
    await once(socket, 'data');
    const ended = once(socket.resume(), 'end');
    const stops = [balancer.stop(), balancer.stop()];
    await Promise.all([ended, ...stops]);
    socket.destroy();
    await expect(once(dial(), 'connect')).rejects.toThrow('ECONNREFUSED');
  });
});

it('refuses to start on an address that is taken', async () => {
  const taken = new Upstream('a');
  const listen = await taken.listen();
  const config = { listen, backends: [], checkIntervalMs: 1000, checkTimeoutMs: 1000, connectTimeoutMs: 1000 };
  const dependencies = { clock: systemClock, logger: silentLogger(), metrics: new Registry() };
  await expect(startLoadBalancer(config, dependencies)).rejects.toThrow('EADDRINUSE');
  await taken.close();
});
