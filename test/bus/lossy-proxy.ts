import { once } from 'node:events';
import net from 'node:net';
import { seededRandom } from '#testing';
import { NatsFrames } from './nats-frames';

export interface LossyProxyOptions {
  /** Port of the broker on 127.0.0.1. */
  readonly target: number;
  /** With the number of a connection and its direction it decides the fate of each message on it. */
  readonly seed: number;
  /** Shares of the messages, 0 ≤ x < 1. */
  readonly dropped: number;
  readonly doubled: number;
  /** Late by up to `maxDelayMs`, so that those behind it overtake it. */
  readonly delayed: number;
  readonly maxDelayMs: number;
}

/**
 * The way to a NATS server that loses, doubles and delays single messages, in both directions, and leaves the rest of the protocol
 * alone: neither side can know. Without TLS.
 */
export class LossyProxy {
  /** Messages so far, by what became of them. */
  readonly counts = { passed: 0, dropped: 0, doubled: 0, delayed: 0 };
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private connections = 0;

  private constructor(private readonly options: LossyProxyOptions) {
    this.server = net.createServer((near) => this.join(near));
  }

  static async start(options: LossyProxyOptions): Promise<LossyProxy> {
    const proxy = new LossyProxy(options);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const timer of this.timers) clearTimeout(timer);
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private join(near: net.Socket): void {
    const far = net.connect(this.options.target, '127.0.0.1');
    const seed = this.options.seed + 1_000 * this.connections++;
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      // 'close' follows.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    this.pass(near, far, seededRandom(seed));
    this.pass(far, near, seededRandom(seed + 1));
  }

  private pass(from: net.Socket, to: net.Socket, random: () => number): void {
    const frames = new NatsFrames();
    const write = (bytes: Buffer): void => {
      if (to.destroyed || to.write(bytes) || from.isPaused()) return;
      from.pause();
      to.once('drain', () => from.resume());
    };
    from.on('data', (chunk) => {
      for (const { bytes, subject } of frames.push(chunk)) {
        if (subject === undefined) write(bytes);
        else this.deliver(bytes, write, random);
      }
    });
  }

  private deliver(bytes: Buffer, write: (bytes: Buffer) => void, random: () => number): void {
    const { dropped, doubled, delayed, maxDelayMs } = this.options;
    // As many numbers for each message, so that what comes after it does not depend on its fate.
    const [fate, lateness] = [random(), random()];
    if (fate < dropped) {
      this.counts.dropped++;
    } else if (fate < dropped + doubled) {
      this.counts.doubled++;
      write(Buffer.concat([bytes, bytes]));
    } else if (fate < dropped + doubled + delayed) {
      this.counts.delayed++;
      // The buffer that it is a part of is not kept.
      const kept = Buffer.from(bytes);
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        write(kept);
      }, lateness * maxDelayMs);
      this.timers.add(timer);
    } else {
      this.counts.passed++;
      write(bytes);
    }
  }
}
