import { type WebSocket } from 'ws';

const zero = '0'.charCodeAt(0);

/** Messages on numbered channels of a WebSocket. In the protocols named `base64` all is text, the channel's number too. */
export class WebSocketChannels {
  private readonly isText: boolean;

  constructor(
    readonly socket: WebSocket,
    protocol: string,
  ) {
    this.isText = protocol.includes('base64');
  }

  onMessage(listener: (number: number, data: Buffer) => void): void {
    this.socket.on('message', (message: Buffer) => {
      const [first] = message;
      if (first === undefined) return;
      const data = message.subarray(1);
      if (this.isText) listener(first - zero, Buffer.from(data.toString('latin1'), 'base64'));
      else listener(first, data);
    });
  }

  /** Calls back once the message is on its way, or never will be. */
  send(number: number, data: Buffer, done: () => void = () => undefined): void {
    const message = this.isText ? `${number}${data.toString('base64')}` : Buffer.concat([Buffer.of(number), data]);
    this.socket.send(message, () => done());
  }
}
