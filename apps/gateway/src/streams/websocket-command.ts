import { type WebSocket } from 'ws';
import { CommandBridge } from './command-bridge';
import { WebSocketChannels } from './websocket-channels';

/** A command for a client of one of the older WebSocket protocols. */
export function serveWebSocketCommand(client: WebSocket, agent: WebSocket, protocol: string): void {
  const channels = new WebSocketChannels(client, protocol);
  const bridge = new CommandBridge(
    agent,
    {
      deliver: (number, data, done) => channels.send(number, data, done),
      end: () => client.close(1000),
      pause: () => client.pause(),
      resume: () => client.resume(),
    },
    protocol,
  );
  channels.onMessage((number, data) => bridge.send(number, data));
  client.once('close', () => bridge.close());
}
