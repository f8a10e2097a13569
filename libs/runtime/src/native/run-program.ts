import { spawn } from 'node:child_process';
import { RuntimeError } from '../container-runtime';

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects only if it cannot be run. */
export function tryProgram(
  program: string,
  args: readonly string[],
  { input, cwd }: { readonly input?: string; readonly cwd?: string } = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe', ...(cwd === undefined ? {} : { cwd }) });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', (error) => reject(new RuntimeError('unavailable', `cannot run ${program}: ${error.message}`)));
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    // A program that ends without reading says why in its own way.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** As `tryProgram`; rejects with what it said if it fails. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryProgram(program, args, options);
  if (code !== 0) throw new Error(`${program}: ${stderr.trim() || `exit code ${code}`}`);
  return stdout;
}

/** Whether a program is installed, and says so when it is asked for its version. */
export function hasProgram(program: string): Promise<boolean> {
  return tryProgram(program, ['--version']).then(
    ({ code }) => code === 0,
    () => false,
  );
}
