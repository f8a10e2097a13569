import { type IncomingMessage } from 'node:http';
import { type Duplex } from 'node:stream';
import { resources } from '#api';
import { genericServerResponse } from '#machinery';
import { type Logger } from '#telemetry';
import { type ApiServer, statusOf } from '../api/api-server';
import { type ResourceTable } from '../api/resource-table';
import { attributesOf } from '../authz/attributes';
import { type HttpAdapter } from '../http/http-adapter';
import { type ProxyHandler } from '../proxy/proxy-handler';
import { type ApiRequest } from '../request/api-request';
import { resolveRequestInfo } from '../request/request-info';
import { isWebSocket, refusal, type Upgrade } from './negotiate';
import { isStreamed, type PodStreams } from './pod-streams';
import { answerByWebSocket } from './websocket-answer';

/** Requests to change the protocol: checks them, and hands them to whoever answers such. */
export class UpgradeProxy {
  private readonly open = new Set<Duplex>();

  constructor(
    private readonly api: ApiServer,
    private readonly table: ResourceTable,
    private readonly pods: PodStreams,
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
      .then((request) => this.connect(http, request, { incoming, client, head }))
      .catch((error: unknown) => this.refuse(client, error));
  }

  /** Cuts all streams. */
  stop(): void {
    for (const socket of this.open) socket.destroy();
  }

  private async connect(http: HttpAdapter, request: ApiRequest, upgrade: Upgrade): Promise<void> {
    const info = resolveRequestInfo(request.method, request.path, request.query);
    const attributes = attributesOf(request.user, info, request.query);
    this.api.authorize(attributes);
    const resource = this.table.find(info.group, info.version, info.resource);
    if (info.subresource === 'proxy' && resource?.hasSubresource('proxy'))
      return this.proxy.upgrade(request, info, resource, upgrade.client, upgrade.head);
    if (resource?.definition === resources.pods && isStreamed(info.subresource)) {
      // A WebSocket always begins with GET; what it does is create a process or a connection (KEP-4006).
      if (info.verb === 'get') this.api.authorize({ ...attributes, verb: 'create' });
      return this.pods.connect(upgrade, info, info.subresource, request.query);
    }
    if (!isWebSocket(upgrade.incoming) || (info.subresource !== 'log' && info.verb !== 'watch'))
      throw genericServerResponse(404);
    await answerByWebSocket(upgrade, await this.api.handle(request), http.renderOptions(request));
  }

  private refuse(client: Duplex, error: unknown): void {
    const { code, body } = statusOf(error);
    if (code === 500) this.logger.warn({ err: error }, 'cannot open a stream');
    client.end(refusal(code, body as object));
  }
}
