import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from './user-error';

/** Where a node that has joined keeps what it is. */
export interface NodeFiles {
  readonly directory: string;
  readonly authority: string;
  /** Certificate and key in one PEM file; the file is replaced when they are renewed. */
  readonly client: string;
  readonly serving: string;
  readonly kubeconfig: string;
}

export function nodeFiles(dataDir: string): NodeFiles {
  const directory = join(dataDir, 'identity');
  return {
    directory,
    authority: join(directory, 'ca.crt'),
    client: join(directory, 'client.pem'),
    serving: join(directory, 'serving.pem'),
    kubeconfig: join(directory, 'kubelet.conf'),
  };
}

/** What the process of a node agent is told by its environment. */
export function agentEnvironment(
  files: NodeFiles,
  node: {
    readonly name: string;
    readonly address: string;
    readonly dataDir: string;
    readonly servers: readonly string[];
  },
): Record<string, string> {
  return {
    NODE_NAME: node.name,
    NODE_IP: node.address,
    DATA_DIR: node.dataDir,
    API_SERVERS: node.servers.join(','),
    CLIENT_CA_FILE: files.authority,
    CLIENT_CERT_FILE: files.client,
    CLIENT_KEY_FILE: files.client,
    SERVING_CERT_FILE: files.serving,
    SERVING_KEY_FILE: files.serving,
    KUBECONFIG: files.kubeconfig,
  };
}

/** The program of the agent in this build. @throws UserError if there is none */
export function agentProgram(): string {
  const program = join(__dirname, '../../node-agent/main.js');
  if (existsSync(program)) return program;
  throw new UserError('this build has no node agent of its own; --identity-only prepares the identity for another');
}

/** Runs the agent until it ends, or until `signal` asks it to. Resolves with its exit code. */
export function runAgent(program: string, environment: Record<string, string>, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], { env: { ...process.env, ...environment }, stdio: 'inherit' });
    const end = (): void => void child.kill('SIGTERM');
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    child.once('exit', (code, ended) => {
      signal.removeEventListener('abort', end);
      resolve(code ?? (ended === null ? 1 : 0));
    });
  });
}
