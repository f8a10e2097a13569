import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';
import { type Logger } from '#telemetry';
import { type ResourceTable } from '../api/resource-table';
import { type Reader } from '../registry/reader';
import { isTrue, type RequestInfo } from '../request/request-info';
import { acceptWebSocket } from './accept-web-socket';
import { agentProtocol, negotiate, switchingProtocols, tunnelProtocol, type Upgrade } from './negotiate';
import { type AgentAddress, type NodeConnection, refusalOf } from './node-connection';
import { targetContainer, targetPod } from './pod-target';
import { serveSpdyCommand } from './spdy-command';
import { serveWebSocketCommand } from './websocket-command';
import { portsOf, serveWebSocketPortForward } from './websocket-port-forward';

/** RFC 6455, section 1.3. */
const websocketGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const agentPaths = { exec: 'exec', attach: 'attach', portforward: 'portForward' } as const;
const switches = ['stdin', 'stdout', 'stderr', 'tty'] as const;

type StreamedSubresource = keyof typeof agentPaths;

export function isStreamed(subresource: string): subresource is StreamedSubresource {
  return Object.hasOwn(agentPaths, subresource);
}

/**
 * `exec`, `attach` and `portforward`: has the agent switch protocols, then answers the client's handshake, and from then on passes what comes. Frames of the
 * protocols that agents speak need no translation, so none are parsed.
 */
export class PodStreams {
  constructor(
    private readonly table: ResourceTable,
    private readonly reader: Reader,
    private readonly nodes: NodeConnection,
    private readonly logger: Logger,
  ) {}

  /** Rejects with `ApiError` as long as the client can be told. */
  async connect(
    upgrade: Upgrade,
    info: RequestInfo,
    subresource: StreamedSubresource,
    query: URLSearchParams,
  ): Promise<void> {
    // Before the protocol: a client that tries an older one after a refusal is to show the first cause.
    const pod = await targetPod(this.table, this.reader, info);
    const isCommand = subresource !== 'portforward';
    const container = isCommand ? `/${targetContainer(pod, query.get('container') ?? '')}` : '';
    const agent = this.nodes.agentOf(pod);
    const path = `/${agentPaths[subresource]}/${info.namespace}/${info.name}${container}?${agentQuery(query)}`;
    const { transport, protocol } = negotiate(upgrade.incoming, subresource);
    if (transport === 'websocket') {
      const spoken = isCommand ? /^v[45][.]channel/ : /^SPDY/;
      if (spoken.test(protocol)) return this.passOn(upgrade, protocol, agent, path);
      if (!isCommand) {
        const ports = portsOf(query);
        const open = (port: number): Promise<Duplex> => this.nodes.tunnel(agent, pod, port);
        return serveWebSocketPortForward(await acceptWebSocket(upgrade, protocol), ports, protocol, open);
      }
      const socket = await this.agentSocket(upgrade.client, agent, path, [agentProtocol]);
      return serveWebSocketCommand(await acceptWebSocket(upgrade, protocol), socket, protocol);
    }
    const socket = await this.agentSocket(upgrade.client, agent, path, isCommand ? [agentProtocol] : []);
    const { client, head } = upgrade;
    client.write(switchingProtocols({ Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocol }));
    if (head.length > 0) client.unshift(head);
    if (isCommand) return this.spdyCommand(client, socket, streamNames(query, protocol), protocol);
    // The frames of a forwarded port are for the agent.
    this.joined(path, client, createWebSocketStream(socket));
  }

  /** Ends with the client's connection, though its handshake may turn out to be none. */
  private async agentSocket(client: Duplex, agent: AgentAddress, path: string, protocols: readonly string[]) {
    const socket = await this.nodes.webSocket(agent, path, protocols);
    if (client.destroyed) socket.terminate();
    else client.once('close', () => socket.terminate());
    return socket;
  }

  /** Bytes as they are. `v4` has the same frames as the agent's protocol, without the one that closes a single channel. */
  private async passOn({ incoming, client, head }: Upgrade, protocol: string, agent: AgentAddress, path: string) {
    const answer = await this.nodes.upgrade(agent, path, {
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': protocol === tunnelProtocol ? tunnelProtocol : agentProtocol,
    });
    if (!answer.switched) throw await refusalOf(answer.response);
    const key = acceptKey(incoming);
    client.write(
      switchingProtocols({ Upgrade: 'websocket', 'Sec-WebSocket-Accept': key, 'Sec-WebSocket-Protocol': protocol }),
    );
    if (answer.head.length > 0) client.write(answer.head);
    if (head.length > 0) answer.socket.write(head);
    this.joined(path, client, answer.socket);
  }

  /** Neither end is kept when the other has gone. */
  private joined(path: string, client: Duplex, agent: Duplex): void {
    pipeline(client, agent, client, (error) => {
      if (error) this.logger.debug({ err: error, path }, 'stream ended');
      client.destroy();
      agent.destroy();
    });
  }

  private async spdyCommand(client: Duplex, agent: WebSocket, names: readonly string[], protocol: string) {
    try {
      await serveSpdyCommand(client, agent, names, protocol);
    } catch (error) {
      // The handshake was the last that a client in another protocol could be told.
      this.logger.debug({ err: error }, 'command not begun');
      client.destroy();
      agent.terminate();
    }
  }
}

/** Clients say yes in many ways, agents know one. */
function agentQuery(query: URLSearchParams): string {
  const asked = new URLSearchParams();
  for (const word of query.getAll('command')) asked.append('command', word);
  for (const name of switches) if (isTrue(query.get(name))) asked.set(name, 'true');
  return asked.toString();
}

/** The streams that a SPDY client opens for a command: sizes of a terminal came with the third version. */
function streamNames(query: URLSearchParams, protocol: string): string[] {
  const has = (name: (typeof switches)[number]): boolean => isTrue(query.get(name));
  return [
    'error',
    ...(has('stdin') ? ['stdin'] : []),
    ...(has('stdout') ? ['stdout'] : []),
    ...(has('stderr') && !has('tty') ? ['stderr'] : []),
    ...(has('tty') && /^v[34][.]/.test(protocol) ? ['resize'] : []),
  ];
}

function acceptKey(incoming: IncomingMessage): string {
  return createHash('sha1')
    .update(`${incoming.headers['sec-websocket-key'] ?? ''}${websocketGuid}`)
    .digest('base64');
}
