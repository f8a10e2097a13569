import http from 'node:http';
import https from 'node:https';
import { type ConnectTls } from '../src/connect-store';
import { storeErrors } from '../src/errors';
import { parseEndpoint } from '../remote/endpoint';

/** Asked of a silent connection after so long, and then once a second, ten times: a machine that is gone says nothing. */
const TCP_KEEP_ALIVE_MS = 2_000;
/** Connections that rest between questions. */
const MAX_IDLE = 4;
/** What a refusal says is worth reading. */
const MAX_REASON_BYTES = 4096;

/** Requests to one address of a peer, on connections that are used again. */
export class Connector {
  private readonly agent: http.Agent;
  private readonly send: typeof http.request;
  private readonly address: { readonly host: string; readonly port: string };

  /** @throws StoreError `invalid-argument` */
  constructor(url: string, tls: ConnectTls | undefined) {
    const { host, port, isSecure } = parseEndpoint(url);
    this.address = { host, port };
    const options = { keepAlive: true, keepAliveMsecs: TCP_KEEP_ALIVE_MS, maxFreeSockets: MAX_IDLE };
    if (!isSecure) {
      this.agent = new http.Agent(options);
      this.send = http.request;
      return;
    }
    if (tls === undefined) throw storeErrors.invalid('an https:// endpoint needs the CA that signs its certificate');
    const { caPem: ca, certificatePem: cert, keyPem: key } = tls;
    // Sessions that are resumed are not checked anew.
    this.agent = new https.Agent({ ...options, ca, cert, key, minVersion: 'TLSv1.2', maxCachedSessions: 0 });
    this.send = https.request;
  }

  request(method: 'GET' | 'POST', path: string, headers: http.OutgoingHttpHeaders): http.ClientRequest {
    return this.send({ ...this.address, method, path, headers, agent: this.agent });
  }

  /** Also ends what is under way, but for upgraded connections. */
  close(): void {
    this.agent.destroy();
  }
}

/** What a response has to say; rejects, with the peer's reason, unless that is 200. */
export async function readAnswer(response: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const isAnswer = response.statusCode === 200;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (!isAnswer && bytes > MAX_REASON_BYTES) break;
  }
  const body = Buffer.concat(chunks);
  if (isAnswer) return body;
  throw storeErrors.peer(body.toString('utf8', 0, MAX_REASON_BYTES) || `status ${response.statusCode}`);
}
