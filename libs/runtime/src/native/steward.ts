import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { RuntimeError } from '../container-runtime';
import { counted, encodeSteps, type Step } from './launcher/encode-steps';
import { perlProgram } from './launcher/install';

/** Numbers of errno(3) that say that something is there already, or is not. */
export const kernelErrors = { noSuchFile: 2, noSuchProcess: 3, exists: 17, noSuchDevice: 19, invalid: 22 } as const;

/** What the kernel refuses. */
export class KernelError extends Error {
  override readonly name = 'KernelError';

  constructor(
    /** 0: it is not the kernel's. */
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}

export function isErrno(error: unknown, errno: number): boolean {
  return error instanceof KernelError && error.errno === errno;
}

interface Request {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const mostWords = 4096;

export const stewardProgram = 'steward.pl';

/** Which of its descriptors is the copy of Perl (perl/steward.pl, SEALED). */
const sealed = 100;

/**
 * Does for this process what Node has no function for, mounts and network interfaces: one program (`perl/steward.pl`) that is begun when it is first
 * asked and ends with this process, instead of one for each mount. What has been asked is done even if this process is killed meanwhile.
 */
export class Steward {
  private child: ChildProcessWithoutNullStreams | undefined;
  /** It has answered. */
  private isReady = false;
  private waiting: Request[] = [];

  /** @param directory what it is told of, so that it is known as this runtime's (`unfinished.ts`) */
  constructor(private readonly directory: string) {}

  /** Has steps carried out one after the other, after what was asked before. Rejects with `KernelError` at the first that fails; those behind it are left out. */
  ask(...steps: readonly Step[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = (this.child ??= this.begin());
      this.waiting.push({ resolve, reject });
      child.stdin.write(counted(encodeSteps(steps)));
    });
  }

  /**
   * A Perl that containers cannot reach the machine's by (perl/sealed.pl), in the steward's memory: what may be begun from it need not make a copy
   * for itself.
   */
  async sealedPerl(): Promise<string> {
    if (!this.isReady) await this.ask();
    return `/proc/${this.child?.pid ?? 0}/fd/${sealed}`;
  }

  /** Resolves when what was asked is done, and the program has ended. */
  async close(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    const closed = once(child, 'close');
    child.stdin.end();
    await closed;
  }

  private begin(): ChildProcessWithoutNullStreams {
    const args = [perlProgram(stewardProgram), this.directory, String(process.pid)];
    const child = spawn('perl', args, { env: { LC_ALL: 'C' }, stdio: 'pipe' });
    const requests: Request[] = [];
    this.waiting = requests;
    let said = '';
    let problem = '';
    const end = (reason: string): void => {
      if (this.child === child) {
        this.child = undefined;
        this.isReady = false;
      }
      for (const { reject } of requests.splice(0))
        reject(new RuntimeError('unavailable', `cannot run perl: ${reason}`));
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code) => end(problem.trim() || `it ended with ${code ?? 'a signal'}`));
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => (problem = (problem + text).slice(-mostWords)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (said + text).split('\n');
      said = lines.pop() ?? '';
      this.isReady ||= lines.length > 0;
      for (const line of lines) answer(requests.shift(), line);
    });
    return child;
  }
}

function answer(request: Request | undefined, line: string): void {
  if (line === 'done') return request?.resolve();
  const [, position, errno, words] = /^(\d+) (\d+) (.*)$/.exec(line) ?? [];
  request?.reject(new KernelError(Number(errno), `${words} (step ${position})`));
}
