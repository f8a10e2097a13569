import { type Duplex } from 'node:stream';
import { type ServerDependencies } from './server-dependencies';

/** A connection to a port of a pod that runs here. Rejects with a message for the client. */
export async function connectToPod({ runtime }: ServerDependencies, uid: string, port: number): Promise<Duplex> {
  const sandbox = (await runtime.listSandboxes(uid)).find(({ state }) => state === 'ready');
  if (sandbox === undefined) throw new Error('pod is not running');
  return (await runtime.portForward(sandbox.id, port)) as Duplex;
}
