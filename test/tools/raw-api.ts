import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

export interface RawAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface RawRequest {
  readonly body?: string | Buffer;
  readonly type?: string;
  /** Sends the body in chunks, without saying how long it is. */
  readonly chunked?: boolean;
}

/** Resolves when the connection has ended, well or not. What comes until then is dropped unless somebody listens. */
export function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.resume().once('close', () => resolve());
  });
}

interface Status {
  readonly reason?: string;
  readonly message?: string;
}

/**
 * The API with the administrator's certificate and nothing in between that would mend what is sent: paths go out as they
 * are, bodies are bytes, and connections can be left half open.
 */
export class RawApi {
  readonly port: number;
  private readonly credentials: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
  private readonly agent: https.Agent;
  private readonly sockets = new Set<net.Socket>();

  constructor(kubeconfig: string) {
    const text = readFileSync(kubeconfig, 'utf8');
    const data = (field: string): Buffer =>
      Buffer.from(new RegExp(`${field}-data: "?([A-Za-z0-9+/=]+)`).exec(text)?.[1] ?? '', 'base64');
    this.port = Number(/server: "?https:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
    this.credentials = {
      ca: data('certificate-authority'),
      cert: data('client-certificate'),
      key: data('client-key'),
    };
    this.agent = new https.Agent({ ...this.credentials, keepAlive: true, maxSockets: 32 });
  }

  /** Resolves whatever the status code; rejects if the connection breaks before the answer. */
  request(
    method: string,
    path: string,
    { body, type = 'application/json', chunked }: RawRequest = {},
  ): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { 'user-agent': 'raw' };
      if (body !== undefined) headers['content-type'] = type;
      if (chunked === true) headers['transfer-encoding'] = 'chunked';
      else if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
      const { agent, port } = this;
      const request = https.request({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => resolve({ code: response.statusCode ?? 0, headers: response.headers, text }));
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  /** `<code> <reason>: <message>` of a failure (its text, where that is no Status), `<code>` of a success. */
  async outcome(method: string, path: string, request?: RawRequest): Promise<string> {
    const { code, text } = await this.request(method, path, request);
    if (code < 300) return String(code);
    if (!text.startsWith('{')) return `${code} ${text}`;
    const { reason = '', message = '' } = JSON.parse(text) as Status;
    return `${code} ${reason}: ${message}`;
  }

  /** A connection with the administrator's certificate, after the handshake. */
  async connect(): Promise<tls.TLSSocket> {
    const socket = tls.connect({ host: '127.0.0.1', port: this.port, ...this.credentials });
    this.keep(socket);
    await once(socket, 'secureConnect');
    return socket;
  }

  /** A connection without TLS. */
  async connectPlainly(): Promise<net.Socket> {
    const socket = net.connect(this.port, '127.0.0.1');
    this.keep(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** Ends all connections. */
  close(): void {
    this.agent.destroy();
    for (const socket of this.sockets) socket.destroy();
  }

  private keep(socket: net.Socket): void {
    this.sockets.add(socket);
    // How a connection ends is for the test to look at, by its `close` event.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
  }
}
