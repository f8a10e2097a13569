import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects only if it cannot be started or takes longer than its time limit. */
export type RunCommand = (argv: readonly string[], input?: string) => Promise<CommandResult>;

/** More than the longest error of a program that we run; the rest is dropped. */
const MAX_OUTPUT = 64 * 1024;

/** Runs programs on this host. @param prefix put before every command, for instance `ip netns exec x` */
export function createRunCommand(timeoutMs = 10_000, prefix: readonly string[] = []): RunCommand {
  return (argv, input = '') =>
    new Promise((resolve, reject) => {
      const [program = '', ...rest] = [...prefix, ...argv];
      const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
      // Not the option of `spawn`: its timer outlives a program that cannot be started, and keeps this process from ending.
      const limit = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(0, MAX_OUTPUT)));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(0, MAX_OUTPUT)));
      // A program that ends without reading its input makes the pipe fail; its exit code tells what matters.
      child.stdin.on('error', () => undefined);
      child.on('error', (error) => {
        clearTimeout(limit);
        reject(error);
      });
      child.on('close', (code, signal) => {
        clearTimeout(limit);
        if (signal !== null)
          return reject(new Error(`${argv.join(' ')} was ended by ${signal} (${timeoutMs} ms at most)`));
        resolve({ code: code ?? -1, stdout, stderr });
      });
      child.stdin.end(input);
    });
}
