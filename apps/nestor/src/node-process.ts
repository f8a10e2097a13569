import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from './user-error';

/** Where a node that has joined keeps who it is; the agent's own place for it. */
export function identityDirectory(dataDir: string): string {
  return join(dataDir, 'identity');
}

/** What the process of a node agent is told by its environment. */
export function agentEnvironment(node: {
  readonly name: string;
  readonly address: string;
  readonly dataDir: string;
  readonly servers: readonly string[];
}): Record<string, string> {
  return {
    NODE_NAME: node.name,
    NODE_IP: node.address,
    DATA_DIR: node.dataDir,
    API_SERVERS: node.servers.join(','),
    TLS_CA_FILE: join(identityDirectory(node.dataDir), 'ca.crt'),
  };
}

/** The program of the agent in this build. @throws UserError if there is none */
export function agentProgram(): string {
  const program = join(__dirname, '../../node-agent/main.js');
  if (existsSync(program)) return program;
  throw new UserError('this build has no node agent of its own; --identity-only prepares the identity for another');
}

/** Runs the agent until it ends, or until `signal` asks it to; it does not outlive this process. Resolves with its exit code. */
export function runAgent(program: string, environment: Record<string, string>, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
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
