import { type WebSocket, WebSocketServer } from 'ws';
import { type Upgrade } from './negotiate';

/** What a client may send at once. */
const maximumMessageBytes = 4 * 1024 * 1024;

/** Changes the protocol of a connection. A handshake that is none is answered, and never resolves: the connection has ended with it. */
export function acceptWebSocket({ incoming, client, head }: Upgrade, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maximumMessageBytes,
    handleProtocols: () => protocol,
  });
  return new Promise((resolve) =>
    server.handleUpgrade(incoming, client, head, (socket) => {
      // What breaks it closes it, too.
      socket.on('error', () => socket.terminate());
      resolve(socket);
    }),
  );
}
