import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { encodeSteps, type Step } from '../launcher/encode-steps';
import { perlProgram } from '../launcher/install';
import { type LinkMessage } from './rtnetlink';

/** Numbers of errno(3) that say that something is there already, or is not. */
export const linkErrors = { noSuchProcess: 3, exists: 17, noSuchDevice: 19, invalid: 22 } as const;

export class LinkError extends Error {
  override readonly name = 'LinkError';

  constructor(
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}

/** Something to tell the kernel, or the process whose network namespace is meant from then on, or a batch for the packet filter. */
export type LinkRequest = LinkMessage | { readonly enter: number } | { readonly filter: Buffer };

/** Tells the kernel one after the other. Rejects with `LinkError` at the first that it refuses; what is behind it is not told. */
export async function tellKernel(...requests: readonly LinkRequest[]): Promise<void> {
  const child = spawn('perl', [perlProgram('netlink.pl')], { env: { LC_ALL: 'C' }, stdio: 'pipe' });
  const closed = once(child, 'close') as Promise<[number | null]>;
  child.stdin.on('error', () => undefined);
  child.stdin.end(encodeSteps(requests.map(stepOf)));
  const [[code], output, errors] = await Promise.all([closed, buffer(child.stdout), buffer(child.stderr)]);
  if (code === 0) return;
  const [, position, errno, reason] = /^(\d+) (\d+) (.*)$/m.exec(output.toString()) ?? [];
  if (errno === undefined) throw new Error(`netlink: ${errors.toString().trim() || `exit code ${code}`}`);
  throw new LinkError(Number(errno), `netlink: ${reason} (request ${position})`);
}

function stepOf(request: LinkRequest): Step {
  if ('enter' in request) return ['enter', request.enter];
  if ('filter' in request) return ['filter', request.filter];
  const { bytes, interface: to } = request;
  return to === undefined ? ['send', bytes] : ['send', bytes, to.offset, to.name];
}
