import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { resources } from '#api';
import { badRequest, genericServerResponse } from '#machinery';
import { type Logger } from '#telemetry';
import { type ApiServer, statusOf } from '../api/api-server';
import { type ResourceTable } from '../api/resource-table';
import { attributesOf } from '../authz/attributes';
import { type HttpAdapter } from '../http/http-adapter';
import { type ProxyHandler } from '../proxy/proxy-handler';
import { type Reader } from '../registry/reader';
import { type ApiRequest } from '../request/api-request';
import { type RequestInfo, resolveRequestInfo } from '../request/request-info';
import { type NodeConnection } from './node-connection';
import { targetContainer, targetPod } from './pod-target';

/** RFC 6455, section 1.3. */
const websocketGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
/** What agents speak. `v4` has the same frames, without the one that closes a single channel. */
const agentProtocol = 'v5.channel.k8s.io';
const commandProtocols = [agentProtocol, 'v4.channel.k8s.io'];
const agentPaths: Readonly<Record<string, string>> = { exec: 'exec', attach: 'attach', portforward: 'portForward' };

/**
 * Requests to change the protocol. `exec`, `attach` and `portforward`: checks the request, has the agent switch protocols, answers the client's handshake, and
 * from then on passes bytes. Frames need no translation, so none are parsed.
 */
export class UpgradeProxy {
  private readonly open = new Set<Duplex>();

  constructor(
    private readonly api: ApiServer,
    private readonly table: ResourceTable,
    private readonly reader: Reader,
    private readonly nodes: NodeConnection,
    private readonly proxy: ProxyHandler,
    private readonly logger: Logger,
  ) {}

  /** Takes over a connection. Never throws. */
  handle(http: HttpAdapter, incoming: IncomingMessage, client: Duplex, head: Buffer): void {
    // Whatever breaks, the other side learns it by its own socket closing.
    client.on('error', () => client.destroy());
    const gone = new AbortController();
    client.once('close', () => gone.abort());
    this.open.add(client);
    client.once('close', () => this.open.delete(client));
    http
      .toRequest(incoming, incoming.url ?? '/', gone.signal)
      .then((request) => this.connect(request, incoming, client, head))
      .catch((error: unknown) => this.refuse(client, error));
  }

  /** Cuts all streams. */
  stop(): void {
    for (const socket of this.open) socket.destroy();
  }

  private async connect(request: ApiRequest, incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const info = resolveRequestInfo(request.method, request.path, request.query);
    const attributes = attributesOf(request.user, info, request.query);
    this.api.authorize(attributes);
    const resource = this.table.find(info.group, info.version, info.resource);
    if (info.subresource === 'proxy' && resource?.hasSubresource('proxy'))
      return this.proxy.upgrade(request, info, resource, client, head);
    const agentPath =
      info.resource === resources.pods.plural && info.group === '' ? agentPaths[info.subresource] : undefined;
    if (agentPath === undefined) throw genericServerResponse(404);
    // A WebSocket always begins with GET; what it does is create a process or a connection (KEP-4006).
    if (info.verb === 'get') this.api.authorize({ ...attributes, verb: 'create' });
    // Before the protocol: a client that tries an older one after a refusal is to show the first cause.
    const pod = await targetPod(this.table, this.reader, info);
    const query = new URLSearchParams(request.query);
    const container = agentPath === 'portForward' ? '' : `/${targetContainer(pod, query.get('container') ?? '')}`;
    const agent = this.nodes.agentOf(pod);
    const protocol = chooseProtocol(incoming, info);
    query.delete('container');
    const path = `/${agentPath}/${info.namespace}/${info.name}${container}?${query.toString()}`;
    const answer = await this.nodes.upgrade(agent, path, {
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': protocol === tunnelProtocol ? tunnelProtocol : agentProtocol,
    });
    if (!answer.switched) {
      const chunks: Buffer[] = [];
      for await (const chunk of answer.response) chunks.push(chunk as Buffer);
      throw badRequest(Buffer.concat(chunks).toString('utf8').trim());
    }
    client.write(
      [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${acceptKey(incoming)}`,
        `Sec-WebSocket-Protocol: ${protocol}`,
        '\r\n',
      ].join('\r\n'),
    );
    if (answer.head.length > 0) client.write(answer.head);
    if (head.length > 0) answer.socket.write(head);
    const done = (error: NodeJS.ErrnoException | null | undefined): void => {
      if (error) this.logger.debug({ err: error, path }, 'stream ended');
      client.destroy();
      answer.socket.destroy();
    };
    pipeline(client, answer.socket, client, done);
  }

  private refuse(client: Duplex, error: unknown): void {
    const { code, body } = statusOf(error);
    if (code === 500) this.logger.warn({ err: error }, 'cannot open a stream');
    const text = `${JSON.stringify(body)}\n`;
    client.end(
      `HTTP/1.1 ${code} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    );
  }
}

/** @throws BadRequest if the client offers nothing that is spoken here */
function chooseProtocol(incoming: IncomingMessage, { subresource }: RequestInfo): string {
  if ((incoming.headers.upgrade ?? '').toLowerCase() !== 'websocket') {
    throw badRequest('unable to upgrade: only WebSocket is spoken here');
  }
  const offered = (incoming.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  const known = subresource === 'portforward' ? [tunnelProtocol] : commandProtocols;
  const chosen = known.find((protocol) => offered.includes(protocol));
  if (chosen === undefined) {
    throw badRequest(
      `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]`,
    );
  }
  return chosen;
}

function acceptKey(incoming: IncomingMessage): string {
  return createHash('sha1')
    .update(`${incoming.headers['sec-websocket-key'] ?? ''}${websocketGuid}`)
    .digest('base64');
}
