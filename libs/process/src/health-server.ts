import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { answerHealth, type HealthCheck, type Logger, type Registry, type RunningComponent } from '#telemetry';
import { type Address } from './setting-kinds';

/** A page of text or JSON on the health port. */
export type DebugPage = () => string | object | Promise<string | object>;

export interface HealthServerOptions {
  readonly address: Address;
  readonly checks: readonly HealthCheck[];
  readonly metrics: Registry;
  /** By path, `/debug/informers`. May be added to later. */
  readonly pages: ReadonlyMap<string, DebugPage>;
  readonly logger: Logger;
}

export interface RunningHealthServer extends RunningComponent {
  readonly address: Address;
}

/** Headers have to arrive within this time. */
const HEADERS_MS = 5_000;

/**
 * `/livez`, `/readyz`, `/healthz`, `/metrics` and debug pages over plain HTTP: for whoever may connect to the port, which by default is
 * this machine. Rejects if the address is taken.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<RunningHealthServer> {
  const server = createServer({ headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS }, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.logger.error({ err: error, path: request.url }, 'cannot answer on the health port');
      if (response.headersSent) response.destroy();
      else reply(response, 500, 'internal server error\n');
    });
  });
  const { host, port } = options.address;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = { host, port: (server.address() as AddressInfo).port };
  options.logger.info({ health: `http://${host}:${address.port}` }, 'health server listens');
  return {
    name: 'health server',
    address,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  { checks, metrics, pages }: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'method not allowed\n');
  const [path, base] = [request.url ?? '/', 'http://health'];
  if (!URL.canParse(path, base)) return reply(response, 400, 'bad request\n');
  const { pathname, searchParams } = new URL(path, base);
  if (pathname === '/metrics') return reply(response, 200, await metrics.metrics(), metrics.contentType);
  const page = pages.get(pathname);
  if (page !== undefined) {
    const content = await page();
    if (typeof content === 'string') return reply(response, 200, content);
    return reply(response, 200, JSON.stringify(content), 'application/json');
  }
  const health = await answerHealth(checks, pathname, searchParams);
  return reply(response, health?.status ?? 404, health?.text ?? '404 page not found\n');
}

function reply(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(text);
}
