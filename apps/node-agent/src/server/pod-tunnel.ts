import { type Duplex } from 'node:stream';
import { uidOf } from '../pods/pod-containers';
import { connectToPod } from './connect-to-pod';
import { findPod } from './find-container';
import { HttpFailure } from './http-failure';
import { joined } from './joined';
import { type StreamRequest } from './server-dependencies';

const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';

/**
 * /podTunnel: after the change of protocols the client's connection is one to a port of the pod. Resolves when it is over.
 * @throws HttpFailure while the client can still be told
 */
export async function servePodTunnel(request: StreamRequest, client: Duplex, head: Buffer): Promise<void> {
  const target = await connect(request);
  const { logger } = request.dependencies;
  if (client.destroyed) {
    target.destroy();
    return;
  }
  client.write(switched);
  if (head.length > 0) client.unshift(head);
  await joined(client, target).catch((error: unknown) => logger.debug({ err: error }, 'tunnel ended'));
}

async function connect({ parameters, query, dependencies }: StreamRequest): Promise<Duplex> {
  const port = Number(query.get('port'));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new HttpFailure(400, 'invalid port');
  const pod = findPod(dependencies, parameters);
  try {
    return await connectToPod(dependencies, uidOf(pod), port);
  } catch (error) {
    throw new HttpFailure(502, error instanceof Error ? error.message : String(error));
  }
}
