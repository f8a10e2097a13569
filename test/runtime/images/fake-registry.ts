import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { type AddressInfo } from 'node:net';
import { type KeyPair } from '#pki';
import { digestOf, type MadeImage, mediaTypes } from './made-image';

/** Answers in place of the registry; false: it shall answer itself. */
export type Twist = (request: IncomingMessage, response: ServerResponse, content: Buffer | undefined) => boolean;

/** A registry that is as good, or as bad, as a test wants it. */
export class FakeRegistry {
  /** Paths that were asked for, in order, with the part that was wanted. */
  readonly asked: { readonly path: string; readonly range?: string; readonly authorization?: string }[] = [];
  twist: Twist = () => false;
  private readonly content = new Map<string, { readonly type: string; readonly body: Buffer }>();

  private constructor(private readonly server: http.Server) {}

  static async start(tls?: KeyPair): Promise<FakeRegistry> {
    const server =
      tls === undefined ? http.createServer() : https.createServer({ cert: tls.certificatePem, key: tls.keyPem });
    const registry = new FakeRegistry(server);
    server.on('request', (request, response) => registry.answer(request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  put(repository: string, tag: string, image: MadeImage): void {
    for (const body of [image.config, ...image.layers]) {
      this.content.set(`/v2/${repository}/blobs/${digestOf(body)}`, { type: 'application/octet-stream', body });
    }
    this.putManifest(repository, tag, image.manifest, mediaTypes.manifest);
  }

  putManifest(repository: string, tag: string, body: Buffer, type: string): void {
    for (const which of [tag, digestOf(body)]) this.content.set(`/v2/${repository}/manifests/${which}`, { type, body });
  }

  requestsFor(blob: Buffer): typeof this.asked {
    return this.asked.filter(({ path }) => path.endsWith(digestOf(blob)));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    const { range, authorization } = request.headers;
    this.asked.push({
      path: pathname,
      ...(range === undefined ? {} : { range }),
      ...(authorization === undefined ? {} : { authorization }),
    });
    const found = this.content.get(pathname);
    if (this.twist(request, response, found?.body)) return;
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }));
      return;
    }
    const [, start] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
    const offset = Number(start ?? 0);
    const part = found.body.subarray(offset);
    response.writeHead(start === undefined ? 200 : 206, {
      'content-type': found.type,
      'content-length': part.length,
      ...(start === undefined
        ? {}
        : { 'content-range': `bytes ${offset}-${found.body.length - 1}/${found.body.length}` }),
    });
    response.end(part);
  }
}
