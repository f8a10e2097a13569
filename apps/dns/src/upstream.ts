import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';
import { type Clock } from '#machinery';
import { FrameReader, frame } from './tcp-frames';
import { lowerCase, WireError } from './wire/names';
import { readAnswer } from './wire/records';

/** Another name server. */
export interface Upstream {
  /** Tells it from the others: its address and port. */
  readonly name: string;
  /** Sends the message under an id of its own and resolves to the answer. Rejects on time-out or when it cannot be reached. */
  exchange(message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer>;
}

export interface UpstreamAddress {
  readonly address: string;
  readonly port: number;
}

/** As resolv.conf's default is 5 s for all tries of the client, two of ours fit in. */
const TIMEOUT_MS = 2000;

/** A truncated answer over UDP is passed on as it is: the client asks again over TCP, and so do we. */
export function createUpstream({ address, port }: UpstreamAddress, clock: Clock): Upstream {
  return {
    name: `${address} ${port}`,
    exchange(message, transport) {
      const query = Buffer.from(message);
      // Unpredictable, together with the port, so that nobody else can answer (RFC 5452).
      query.writeUInt16BE(randomInt(65_536), 0);
      return transport === 'udp' ? overUdp(query, address, port, clock) : overTcp(query, address, port, clock);
    },
  };
}

function overUdp(query: Buffer, address: string, port: number, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4');
    const end = (finish: () => void): void => {
      timer.cancel();
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      finish();
    };
    const fail = (error: Error): void => end(() => reject(error));
    const timer = clock.setTimer(TIMEOUT_MS, () => fail(new Error(`${address} does not answer`)));
    socket.on('error', fail);
    socket.on('message', (answer) => {
      // Anything else may be forged, or late: go on waiting.
      if (isAnswerTo(query, answer)) end(() => resolve(answer));
    });
    socket.connect(port, address, (error?: Error) => {
      if (error != null) return fail(error);
      socket.send(query, (failure) => {
        if (failure !== null) fail(failure);
      });
    });
  });
}

function overTcp(query: Buffer, address: string, port: number, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address, port });
    const end = (finish: () => void): void => {
      timer.cancel();
      socket.destroy();
      finish();
    };
    const fail = (error: Error): void => end(() => reject(error));
    const timer = clock.setTimer(TIMEOUT_MS, () => fail(new Error(`${address} does not answer over TCP`)));
    const frames = new FrameReader();
    socket.on('error', fail);
    socket.on('close', () => fail(new Error(`${address} closed the connection`)));
    socket.on('data', (data) => {
      for (const answer of frames.push(data)) if (isAnswerTo(query, answer)) return end(() => resolve(answer));
    });
    // Not half-closed: there are servers that take the end for a client that has gone.
    socket.write(frame(query));
  });
}

/** Whether it has our id and our question, and is well-formed. */
function isAnswerTo(query: Buffer, answer: Buffer): boolean {
  // First what is cheap: whoever floods us with answers has yet to find the id.
  if (answer.length < 2 || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  try {
    const { question } = readAnswer(answer);
    const asked = query.toString('latin1', 12, 12 + question.length);
    return lowerCase(asked) === lowerCase(question.toString('latin1'));
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}
