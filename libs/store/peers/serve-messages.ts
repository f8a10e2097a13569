import { type Socket } from 'node:net';
import { type Logger } from '#telemetry';
import { type PeerHandler } from '../src/replication/peer-transport';
import { FrameReader, NOTHING } from './frames';
import { decodeMessage } from './message-codec';
import { type PeerMetrics } from './peer-metrics';
import { type Envelope } from './protocol';
import { failureOf, Refusal } from './refusal';

export interface MessagesContext {
  /** Whose messages these are, and whom they are for. */
  readonly envelope: Envelope;
  readonly handler: Pick<PeerHandler, 'receive'>;
  readonly logger: Logger;
  readonly metrics: Pick<PeerMetrics, 'received'>;
}

/** Hands over what a peer sends, for as long as it sends messages. @param head what came with its headers */
export function serveMessages(
  socket: Socket,
  head: Buffer,
  { envelope, handler, logger, metrics }: MessagesContext,
): void {
  const frames = new FrameReader();
  const receive = (chunk: Buffer): void => {
    metrics.received(chunk.length);
    frames.push(chunk);
    try {
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
        if (frame.length === 0) {
          socket.write(NOTHING);
          continue;
        }
        const message = decodeMessage(frame);
        if (message.from !== envelope.from || message.to !== envelope.to) {
          throw new Refusal(400, 'a message of somebody else, or for somebody else');
        }
        handler.receive(message);
      }
    } catch (error) {
      failureOf(error, logger);
      socket.destroy();
    }
  };
  socket.setTimeout(0);
  socket.on('data', receive);
  // A peer that goes away, in whatever manner, is Raft's business.
  socket.on('end', () => socket.destroy());
  if (head.length > 0) receive(head);
}
