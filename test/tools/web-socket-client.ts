import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { parse } from 'yaml';
import { type NestorCluster } from './nestor';

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

/** Resolves with all messages that the API sends until it closes the connection. */
export function messagesOf(cluster: NestorCluster, path: string, protocol?: string): Promise<string[]> {
  const { clusters, users } = parse(readFileSync(cluster.kubeconfig, 'utf8')) as Kubeconfig;
  const [server, user] = [clusters[0]!.cluster, users[0]!.user];
  const decoded = (text = ''): Buffer => Buffer.from(text, 'base64');
  const socket = new WebSocket(
    `${server['server']?.replace(/^http/, 'ws')}${path}`,
    protocol === undefined ? [] : [protocol],
    {
      ca: decoded(server['certificate-authority-data']),
      cert: decoded(user['client-certificate-data']),
      key: decoded(user['client-key-data']),
    },
  );
  const messages: string[] = [];
  return new Promise((resolve, reject) => {
    socket.on('message', (message: Buffer) => messages.push(message.toString('utf8')));
    socket.on('error', reject);
    socket.on('close', () => resolve(messages));
  });
}
