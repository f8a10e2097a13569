import { type Message } from '#raft';
import { Registry } from '#telemetry';
import { type PeerTransportOptions } from '../src/create-peer-transport';
import { storeErrors } from '../src/errors';
import { type PeerHandler, type PeerTransport, type SnapshotMessage } from '../src/replication/peer-transport';
import { Connector } from './connector';
import { Peer } from './peer';
import { createPeerMetrics, type PeerMetrics } from './peer-metrics';
import { PeerServer } from './peer-server';
import { PATHS } from './protocol';
import { callUnary } from './unary';

type Started = {
  readonly self: { readonly clusterId: bigint; readonly memberId: bigint };
  readonly handler: PeerHandler;
  readonly server: PeerServer;
  readonly metricsOf: (peer: bigint) => PeerMetrics;
};

/** Members over HTTP/1.1, mutual TLS: a connection of messages each way, and others for snapshots and questions. */
export class HttpPeerTransport implements PeerTransport {
  private started: Started | undefined;
  private peers = new Map<bigint, Peer>();

  constructor(private readonly options: PeerTransportOptions) {}

  async start(self: Started['self'], handler: PeerHandler): Promise<void> {
    const create = createPeerMetrics(this.options.metrics ?? new Registry(), self.memberId.toString(16));
    const known = new Map<bigint, PeerMetrics>();
    const metricsOf = (peer: bigint): PeerMetrics => {
      const metrics = known.get(peer) ?? create(peer.toString(16));
      known.set(peer, metrics);
      return metrics;
    };
    const server = new PeerServer(this.options, self, handler, metricsOf);
    await server.listen();
    this.started = { self, handler, server, metricsOf };
  }

  setPeers(peers: readonly { readonly id: bigint; readonly urls: readonly string[] }[]): void {
    const { self, handler, metricsOf } = this.running();
    const { tls, clock, random, logger } = this.options;
    const context = { tls, clock, random, logger, unreachable: (id: bigint) => handler.unreachable(id) };
    const before = this.peers;
    this.peers = new Map();
    for (const { id, urls } of peers) {
      const known = before.get(id);
      const isSame = known !== undefined && known.urls.join() === urls.join();
      const envelope = { clusterId: self.clusterId, from: self.memberId, to: id };
      this.peers.set(id, isSame ? known : new Peer(envelope, urls, { ...context, metrics: metricsOf(id) }));
      if (isSame) before.delete(id);
    }
    for (const gone of before.values()) gone.close();
  }

  send(messages: readonly Message[]): void {
    // A member that was just removed may be written to once more.
    for (const message of messages) this.peers.get(message.to)?.send(message);
    // Now, not at the end of the turn: handing a write to the thread pool may cost this thread the processor.
    for (const peer of this.peers.values()) peer.flush();
  }

  async sendSnapshot(message: SnapshotMessage, body: AsyncIterable<Buffer>): Promise<void> {
    await this.peer(message.to).sendSnapshot(message, body);
  }

  async request(to: bigint, body: Buffer, timeoutMs: number): Promise<Buffer> {
    return this.peer(to).request(body, timeoutMs);
  }

  async discover(url: string, timeoutMs: number): Promise<Buffer> {
    const connector = new Connector(url, this.options.tls);
    try {
      return await callUnary(connector, PATHS.describe, { headers: {}, timeoutMs, clock: this.options.clock });
    } finally {
      connector.close();
    }
  }

  async close(): Promise<void> {
    for (const peer of this.peers.values()) peer.close();
    this.peers.clear();
    await this.started?.server.close();
  }

  private peer(id: bigint): Peer {
    const peer = this.peers.get(id);
    if (peer === undefined) throw storeErrors.peer(`member ${id.toString(16)} is not a peer`);
    return peer;
  }

  private running(): Started {
    if (this.started === undefined) throw new Error('the transport was not started');
    return this.started;
  }
}
