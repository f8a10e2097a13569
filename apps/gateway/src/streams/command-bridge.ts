import { type WebSocket } from 'ws';
import { type Status } from '#machinery';
import { channel } from '#streaming';
import { type Source, Throttle } from './throttle';

/** Whoever runs a command, by whatever protocol. */
export interface CommandClient extends Source {
  /** Output, or what became of the command; calls back once it is on its way. */
  deliver(number: number, data: Buffer, done: () => void): void;
  /** Nothing more will come. */
  end(): void;
}

/** A remote command between an agent (paused until now), which speaks `v5.channel.k8s.io` alone, and a client that speaks something else. */
export class CommandBridge {
  private readonly output: Throttle;
  private readonly input: Throttle;

  constructor(
    private readonly agent: WebSocket,
    client: CommandClient,
    protocol: string,
  ) {
    this.output = new Throttle(agent);
    this.input = new Throttle(client);
    agent.on('message', (message: Buffer) => {
      const number = message[0] ?? 0;
      const data = message.subarray(1);
      const outcome = number === channel.error && !protocol.startsWith('v4.') ? textOfStatus(data) : data;
      if (outcome !== undefined) client.deliver(number, outcome, this.output.passing(outcome.length));
    });
    if (agent.readyState === agent.CLOSED) client.end();
    else agent.once('close', () => client.end());
    agent.resume();
  }

  /** What the client has for the command. */
  send(number: number, data: Buffer): void {
    if (this.agent.readyState !== this.agent.OPEN) return;
    this.agent.send(Buffer.concat([Buffer.of(number), data]), this.input.passing(data.length));
  }

  /** The client is gone. */
  close(): void {
    this.agent.terminate();
  }
}

/** Before the fourth version of the protocol the error channel had words, and none where all went well. */
function textOfStatus(data: Buffer): Buffer | undefined {
  try {
    const { status, message = '' } = JSON.parse(data.toString('utf8')) as Partial<Status>;
    return status === 'Success' ? undefined : Buffer.from(message);
  } catch {
    // No status: words already, or the empty message that begins.
    return data;
  }
}
