import { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIPv6 } from 'node:net';
import { type Duplex } from 'node:stream';
import WebSocket from 'ws';
import { type Node, type Pod, resources } from '#api';
import { ApiError, type DeepReadonly, badRequest, goQuote, internalError, notFound } from '#machinery';
import { type ResourceTable } from '../api/resource-table';
import { type GatewayConfig } from '../config';
import { dial, secure } from '../proxy/backend';

const connectMs = 10_000;

/** The agent of a node, as its Node object describes it. */
export interface AgentAddress {
  readonly host: string;
  readonly port: number;
}

/** Reaches node agents over mutual TLS. */
export class NodeConnection {
  constructor(
    private readonly table: ResourceTable,
    private readonly credentials: GatewayConfig['agents'],
  ) {}

  /** The agent of the node that a pod is on. @throws BadRequest, NotFound */
  agentOf(pod: DeepReadonly<Pod>): AgentAddress {
    const nodeName = pod.spec?.nodeName ?? '';
    if (nodeName === '') throw badRequest(`pod ${pod.metadata?.name ?? ''} does not have a host assigned`);
    return this.agentOn(nodeName);
  }

  /** @throws NotFound */
  agentOn(nodeName: string): AgentAddress {
    const nodes = this.table.require(resources.nodes);
    const node: DeepReadonly<Node> | undefined = nodes.cache.get(nodes.key('', nodeName))?.object;
    if (node === undefined) throw notFound(nodes.groupResource, nodeName);
    const { addresses = [], daemonEndpoints } = node.status ?? {};
    // Upstream's order of preference, as far as agents have such addresses.
    const host = ['InternalIP', 'ExternalIP', 'Hostname']
      .map((type) => addresses.find((address) => address.type === type)?.address)
      .find((address) => address !== undefined);
    if (host === undefined) throw internalError(`no preferred addresses found; known addresses: []`);
    return { host, port: daemonEndpoints?.kubeletEndpoint?.Port ?? 10250 };
  }

  /** Sends a request without a body. Resolves with the answer's head; the caller reads or destroys the body. */
  get(agent: AgentAddress, path: string, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = https.request({ ...this.options(agent), path, method: 'GET', signal });
      request.setTimeout(connectMs);
      request.once('timeout', () => request.destroy(new Error(`timeout waiting for ${agent.host}:${agent.port}`)));
      request.once('response', (response) => {
        request.setTimeout(0);
        resolve(response);
      });
      request.once('error', (error) => reject(unreachable(agent, path, error)));
      request.end();
    });
  }

  /** Sends an upgrade request. Resolves once the agent has switched protocols, or with its refusal. */
  upgrade(
    agent: AgentAddress,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<
    | { readonly switched: true; readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
    | { readonly switched: false; readonly response: IncomingMessage }
  > {
    return new Promise((resolve, reject) => {
      const request = https.request({
        ...this.options(agent),
        path,
        method: 'GET',
        headers: { connection: 'Upgrade', upgrade: 'websocket', ...headers },
      });
      request.setTimeout(connectMs);
      request.once('timeout', () => request.destroy(new Error(`timeout waiting for ${agent.host}:${agent.port}`)));
      request.once('upgrade', (response, socket, head) => {
        socket.setTimeout(0);
        resolve({ switched: true, response, socket, head });
      });
      request.once('response', (response) => resolve({ switched: false, response }));
      request.once('error', (error) => reject(unreachable(agent, path, error)));
      request.end();
    });
  }

  /** A connection to a port of a pod, by way of its node. @throws BadRequest with the agent's words, InternalError */
  async tunnel(agent: AgentAddress, pod: DeepReadonly<Pod>, port: number): Promise<Duplex> {
    const { namespace = '', name = '' } = pod.metadata ?? {};
    const path = `/podTunnel/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}?port=${port}`;
    const answer = await this.upgrade(agent, path, { upgrade: 'tcp' });
    if (!answer.switched) throw await refusalOf(answer.response);
    if (answer.head.length > 0) answer.socket.unshift(answer.head);
    return answer.socket;
  }

  /** Messages to and from the agent, paused, so that none is lost until somebody listens. @throws BadRequest with the agent's words, InternalError */
  webSocket(agent: AgentAddress, path: string, protocols: readonly string[]): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const options = {
        ...this.options(agent),
        agent: undefined,
        handshakeTimeout: connectMs,
        perMessageDeflate: false,
      };
      const socket = new WebSocket(`wss://${goHost(agent)}${path}`, [...protocols], options);
      socket.once('open', () => {
        socket.pause();
        resolve(socket);
      });
      // After the opening there is nobody to tell: the end of the connection says it.
      socket.on('error', (error) => reject(unreachable(agent, path, error)));
      socket.once('unexpected-response', (_request, response: IncomingMessage) => {
        refusalOf(response).then(reject, reject);
      });
    });
  }

  /** A connection to the agent itself, for one request. */
  connect(agent: AgentAddress, signal: AbortSignal): Promise<Duplex> {
    const { host, port, cert, key, ca } = this.options(agent);
    return dial(agent.host, agent.port, signal).then((socket) => secure(socket, { host, port, cert, key, ca }));
  }

  private options(agent: AgentAddress) {
    if (this.credentials === undefined) throw internalError('the gateway has no credentials for node agents');
    const { certificatePem, keyPem, caPem } = this.credentials;
    return { host: agent.host, port: agent.port, cert: certificatePem, key: keyPem, ca: caPem, agent: false } as const;
  }
}

/** What an agent answers instead of changing the protocol. */
export async function refusalOf(response: IncomingMessage): Promise<ApiError> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return badRequest(Buffer.concat(chunks).toString('utf8').trim());
}

function goHost({ host, port }: AgentAddress): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function unreachable(agent: AgentAddress, path: string, error: Error): Error {
  if (error instanceof ApiError) return error;
  return internalError(`error dialing backend: Get ${goQuote(`https://${goHost(agent)}${path}`)}: ${error.message}`);
}
