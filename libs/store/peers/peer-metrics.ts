import { Counter, Gauge, Histogram, type Registry } from '#telemetry';

/** What a member measures of its connections to one other, by etcd's names. */
export interface PeerMetrics {
  sent(bytes: number): void;
  received(bytes: number): void;
  sendFailed(): void;
  /** A stream to it was let in. */
  connected(): void;
  /** That stream has ended. */
  disconnected(): void;
  roundTrip(ms: number): void;
  snapshotSent(isTaken: boolean): void;
  snapshotReceived(): void;
}

/** 0.1 ms to 3 s, each twice the one before: what etcd has for networks. */
const buckets = Array.from({ length: 16 }, (_, power) => 0.0001 * 2 ** power);

/** @returns metrics of a peer, by its id */
export function createPeerMetrics(registry: Registry, self: string): (peer: string) => PeerMetrics {
  const registers = [registry];
  const to = (name: string, help: string): Counter<'To'> => new Counter({ name, help, registers, labelNames: ['To'] });
  const from = (name: string, help: string): Counter<'From'> =>
    new Counter({ name, help, registers, labelNames: ['From'] });
  const labelNames = ['Local', 'Remote'] as const;

  const sentBytes = bytesCounter(
    { name: 'etcd_network_peer_sent_bytes_total', help: 'Bytes of messages sent to a peer.', registers },
    'To',
  );
  const receivedBytes = bytesCounter(
    { name: 'etcd_network_peer_received_bytes_total', help: 'Bytes of messages received from a peer.', registers },
    'From',
  );
  const sendFailures = to('etcd_network_peer_sent_failures_total', 'Messages to a peer that were lost.');
  const snapshotsSent = to('etcd_network_snapshot_send_success', 'Snapshots that a peer has taken.');
  const snapshotsLost = to('etcd_network_snapshot_send_failures', 'Snapshots that a peer has not taken.');
  const snapshotsReceived = from('etcd_network_snapshot_receive_success', 'Snapshots received from a peer.');
  const roundTrips = new Histogram({
    name: 'etcd_network_peer_round_trip_time_seconds',
    help: 'From a question to a peer to its answer.',
    registers,
    labelNames: ['To'],
    buckets,
  });
  const active = new Gauge({
    name: 'etcd_network_active_peers',
    help: 'Peers that let this member in.',
    registers,
    labelNames,
  });
  const disconnects = new Counter({
    name: 'etcd_network_disconnected_peers_total',
    help: 'Connections to a peer that were lost.',
    registers,
    labelNames,
  });

  return (peer) => {
    const both = { Local: self, Remote: peer };
    let isActive = false;
    return {
      sent: (bytes) => sentBytes(peer, bytes),
      received: (bytes) => receivedBytes(peer, bytes),
      sendFailed: () => sendFailures.inc({ To: peer }),
      connected() {
        isActive = true;
        active.set(both, 1);
      },
      disconnected() {
        if (isActive) disconnects.inc(both);
        isActive = false;
        active.set(both, 0);
      },
      roundTrip: (ms) => roundTrips.observe({ To: peer }, ms / 1000),
      snapshotSent: (isTaken) => (isTaken ? snapshotsSent : snapshotsLost).inc({ To: peer }),
      snapshotReceived: () => snapshotsReceived.inc({ From: peer }),
    };
  };
}

/** Counts what comes with every message: the counter hears of it when it is read, since it takes as long to find its labels as to send. */
function bytesCounter(
  options: { readonly name: string; readonly help: string; readonly registers: Registry[] },
  label: 'To' | 'From',
): (peer: string, bytes: number) => void {
  const counted = new Map<string, number>();
  new Counter({
    ...options,
    labelNames: [label],
    collect() {
      for (const [peer, bytes] of counted) this.inc({ [label]: peer }, bytes);
      counted.clear();
    },
  });
  return (peer, bytes) => void counted.set(peer, (counted.get(peer) ?? 0) + bytes);
}
