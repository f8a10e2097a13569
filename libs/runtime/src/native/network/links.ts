import { type Step } from '../launcher/encode-steps';
import { type Steward } from '../steward';
import { type LinkMessage } from './rtnetlink';

/** Something to tell the kernel, or the process whose network namespace is meant from then on, or a batch for the packet filter. */
export type LinkRequest = LinkMessage | { readonly enter: number } | { readonly filter: Buffer };

/** Tells the kernel one after the other. Rejects with `KernelError` at the first that it refuses; what is behind it is not told. */
export function tellKernel(steward: Steward, ...requests: readonly LinkRequest[]): Promise<void> {
  return steward.ask(...requests.map(stepOf));
}

function stepOf(request: LinkRequest): Step {
  if ('enter' in request) return ['enter', request.enter];
  if ('filter' in request) return ['filter', request.filter];
  const { bytes, interface: to } = request;
  return to === undefined ? ['send', bytes] : ['send', bytes, to.offset, to.name];
}
