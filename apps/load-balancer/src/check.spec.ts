import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { systemClock } from '#machinery';
import { createAuthority } from '#pki';
import { type Address } from '#process';
import { FakeClock } from '#testing';
import { checkReady } from './check';

const LOOPBACK = '127.0.0.1';

describe('the check of a gateway', () => {
  let server: Server | undefined;
  const listening = async (one: Server): Promise<Address> => {
    server = one.listen(0, LOOPBACK);
    await once(one, 'listening');
    return { host: LOOPBACK, port: (one.address() as AddressInfo).port };
  };
  afterEach(async () => {
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    server = undefined;
  });

  it.each([
    [200, 'ready'],
    [500, 'draining'],
    [401, 'draining'],
  ])('takes %i for %s, whoever signed the certificate', async (status, state) => {
    const { certificatePem: cert, keyPem: key } = await createAuthority('test', Date.now());
    const paths: (string | undefined)[] = [];
    const address = await listening(
      createHttpsServer({ cert, key }, (request, response) => {
        paths.push(request.url);
        response.writeHead(status).end('ok');
      }),
    );
    expect(await checkReady(address, 5000, systemClock)).toBe(state);
    expect(paths).toEqual(['/readyz']);
  });

  it('takes a refused connection for death', async () => {
    const address = await listening(createServer());
    server?.close();
    await once(server as Server, 'close');
    server = undefined;
    expect(await checkReady(address, 5000, systemClock)).toBe('dead');
  });

  it('takes silence for death after a time', async () => {
    const clock = new FakeClock();
    const sockets: { destroy(): void }[] = [];
    const address = await listening(createServer((socket) => sockets.push(socket.on('error', () => undefined))));
    const checking = checkReady(address, 3000, clock);
    await once(server as Server, 'connection');
    await clock.advance(3000);
    expect(await checking).toBe('dead');
    for (const socket of sockets) socket.destroy();
  });
});
