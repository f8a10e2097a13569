import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { type Clock, type Timer } from '#machinery';
import { type Logger } from '#telemetry';
import { ConnectionTable } from './connection-table';
import { type DnsAnswer, type DnsRequest } from './handler';
import { type DnsMetrics } from './metrics';
import { FrameReader, frame } from './tcp-frames';
import { type UpstreamAddress } from './upstream';
import { rcodes } from './wire/constants';
import { encodeAnswer, encodeError, udpLimit } from './wire/encode';
import { parseQuery } from './wire/query';

export interface ServerOptions {
  readonly handle: (request: DnsRequest) => Promise<DnsAnswer>;
  readonly zone: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: DnsMetrics;
}

const MAX_CONNECTIONS = 256;
/** RFC 7766, 6.2.3: a few seconds. A message that has begun must be complete, and an answer be read, in the same time. */
const CONNECTION_IDLE_MS = 10_000;
const MAX_TCP_ANSWER = 65_535;

/**
 * Answers on UDP and TCP. Whatever a client sends costs at most its own answer: queries of the zone are answered at once, and how many may
 * wait for other servers is up to the handlers.
 */
export class DnsServer {
  private readonly udp: dgram.Socket[] = [];
  private readonly tcp: net.Server[] = [];
  private readonly connections = new ConnectionTable<net.Socket>(MAX_CONNECTIONS);

  constructor(private readonly options: ServerOptions) {}

  /** Listens on both transports of an address; resolves to the port (one that is free, if 0 was asked for). Rejects if it is taken. */
  async listen({ address, port }: UpstreamAddress): Promise<number> {
    const tcp = net.createServer((socket) => this.serve(socket));
    tcp.listen({ host: address, port, exclusive: true });
    await once(tcp, 'listening');
    this.tcp.push(tcp);
    const bound = (tcp.address() as net.AddressInfo).port;
    const family = net.isIPv6(address) ? 6 : 4;
    const udp = dgram.createSocket(family === 6 ? 'udp6' : 'udp4');
    udp.bind({ address, port: bound, exclusive: true });
    await once(udp, 'listening');
    this.udp.push(udp);
    for (const one of [tcp, udp]) {
      one.on('error', (error: Error) => this.options.logger.warn({ err: error, address }, 'a DNS listener has failed'));
    }
    udp.on('message', (message, from) => void this.datagram(udp, message, from, family));
    return bound;
  }

  async stop(): Promise<void> {
    for (const socket of this.connections.all()) socket.destroy();
    const closed = [...this.udp.splice(0), ...this.tcp.splice(0)].map(
      (one) => new Promise<void>((resolve) => void one.close(() => resolve())),
    );
    await Promise.all(closed);
  }

  private async datagram(socket: dgram.Socket, message: Buffer, from: dgram.RemoteInfo, family: 4 | 6): Promise<void> {
    // Port 0 is nobody's (RFC 768: no reply is wanted), and nothing can be sent there.
    if (from.port === 0) return;
    const answer = await this.answer(message, 'udp', family, from.address);
    if (answer === undefined || !this.udp.includes(socket)) return;
    socket.send(answer, from.port, from.address, (error) => {
      if (error !== null) this.options.logger.debug({ err: error }, 'an answer could not be sent');
    });
  }

  private serve(socket: net.Socket): void {
    const { clock, logger } = this.options;
    const family = socket.remoteFamily === 'IPv6' ? 6 : 4;
    const source = socket.remoteAddress ?? '';
    this.connections.add(socket, source)?.destroy();
    // Not the socket's own time-out: every byte would renew it.
    let timer: Timer | undefined;
    const renew = (): void => {
      timer?.cancel();
      timer = clock.setTimer(CONNECTION_IDLE_MS, () => socket.destroy());
    };
    renew();
    socket.once('close', () => {
      timer?.cancel();
      this.connections.delete(socket);
    });
    socket.on('error', (error) => logger.trace({ err: error }, 'a DNS connection has failed'));
    const frames = new FrameReader();
    const work = async (data: Buffer): Promise<void> => {
      // One after the other: a client that sends faster waits.
      socket.pause();
      for (const message of frames.push(data)) {
        const answer = await this.answer(message, 'tcp', family, source);
        if (answer === undefined || socket.destroyed) return void socket.destroy();
        renew();
        this.connections.touch(socket);
        await new Promise<void>((resolve) => socket.write(frame(answer), () => resolve()));
        if (socket.destroyed) return;
      }
      socket.resume();
    };
    socket.on('data', (data) => {
      work(data).catch((error: unknown) => {
        logger.debug({ err: error }, 'a DNS connection was given up');
        socket.destroy();
      });
    });
  }

  /** The bytes to send back, if any. Never rejects. */
  private async answer(
    message: Buffer,
    transport: 'udp' | 'tcp',
    family: 4 | 6,
    source: string,
  ): Promise<Buffer | undefined> {
    const { handle, zone, clock, logger, metrics } = this.options;
    const start = clock.monotonic();
    const parsed = parseQuery(message);
    if (parsed.kind === 'ignore') return undefined;
    if (parsed.kind === 'bad') {
      metrics.response(0, rcodes[parsed.rcode], '', false);
      return encodeError(parsed.id, parsed.opcode, parsed.rcode);
    }
    const { query } = parsed;
    const isInZone = query.name === zone || query.name.endsWith(`.${zone}`);
    metrics.request(transport, family, query.type, isInZone);
    const limit = transport === 'udp' ? udpLimit(query) : MAX_TCP_ANSWER;
    const encode = (answer: DnsAnswer): Buffer => {
      if (answer.kind === 'records') return encodeAnswer(query, answer.answer, limit);
      return answer.message.length <= limit ? answer.message : encodeAnswer(query, truncated, 0);
    };
    try {
      const answer = await handle({ query, transport, source });
      const rcode = answer.kind === 'message' ? answer.rcode : rcodes[answer.answer.rcode];
      metrics.response((clock.monotonic() - start) / 1000, rcode, answer.by, isInZone);
      return encode(answer);
    } catch (error) {
      logger.debug({ err: error, name: query.name, type: query.type }, 'a name could not be resolved');
      metrics.response((clock.monotonic() - start) / 1000, rcodes.SERVFAIL, '', isInZone);
      return encodeAnswer(query, { rcode: 'SERVFAIL', isAuthoritative: false, answers: [] }, limit);
    }
  }
}

/** With a limit of 0 bytes it is encoded with the flag TC. */
const truncated = { rcode: 'NOERROR', isAuthoritative: false, answers: [] } as const;
