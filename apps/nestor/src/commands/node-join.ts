import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { nodeNameOf, systemClock } from '#machinery';
import { kubeconfig, writeFileAtomically } from '#pki';
import { hostAddresses } from '#process';
import { createLogger } from '#telemetry';
import { ensureNodeIdentity, type NodeIdentity } from '../cluster';
import { agentEnvironment, agentProgram, identityDirectory, runAgent } from '../node-process';
import { UserError } from '../user-error';

export interface JoinOptions {
  readonly dataDir: string;
  readonly server: readonly string[];
  readonly token?: string;
  readonly caHash?: string;
  readonly nodeName?: string;
  readonly nodeIp?: string;
  readonly identityOnly: boolean;
  readonly logLevel: string;
}

/**
 * Makes this machine a node of a running cluster: gets the node's certificate with a bootstrap token, and runs the agent with it.
 */
export async function joinNode(options: JoinOptions): Promise<void> {
  const nodeName = options.nodeName?.toLowerCase() ?? nodeNameOf(hostname());
  const dataDir = resolve(options.dataDir);
  const program = options.identityOnly ? undefined : agentProgram();
  const stopping = new AbortController();
  const onSignal = (): void => stopping.abort(new UserError('stopped'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  let identity: NodeIdentity | undefined;
  try {
    identity = await ensureNodeIdentity({
      nodeName,
      directory: identityDirectory(dataDir),
      servers: options.server,
      ...(options.token === undefined ? {} : { bootstrapToken: options.token }),
      ...(options.caHash === undefined ? {} : { caHash: options.caHash }),
      clock: systemClock,
      random: Math.random,
      logger: createLogger('nestor', { level: options.logLevel, destination: process.stderr }),
      signal: stopping.signal,
    }).catch((error: unknown) => {
      throw new UserError(error instanceof Error ? error.message : String(error));
    });
    const [server = ''] = options.server;
    const { authorityPem } = identity;
    const credentials = identity.current();
    await writeFileAtomically(
      join(identityDirectory(dataDir), 'kubelet.conf'),
      kubeconfig({ server, authorityPem, credentials, name: `system:node:${nodeName}` }),
    );
    const address = options.nodeIp ?? hostAddresses()[0] ?? '127.0.0.1';
    const environment = agentEnvironment({ name: nodeName, address, dataDir, servers: options.server });
    console.log(`Node ${nodeName} has joined the cluster at ${server}.`);
    if (program === undefined) {
      console.log(
        Object.entries(environment)
          .map(([key, value]) => `${key}=${value}`)
          .join('\n'),
      );
      return;
    }
    // From here on the agent looks after its certificates.
    await identity.stop();
    const code = await runAgent(program, environment, stopping.signal);
    if (code !== 0) throw new UserError(`the node agent ended with exit code ${code}`);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await identity?.stop();
  }
}
