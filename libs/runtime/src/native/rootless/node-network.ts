import { tellKernel } from '../network/links';
import { addAddress, addDefaultRouteBy, addLocalNetwork, addPair, takeUp } from '../network/rtnetlink';
import { isErrno, KernelError, kernelErrors, Steward } from '../steward';
import { nodeAddress, outwardsAddress, resolverAddress } from './addresses';
import { outwardsFilter } from './outwards-filter';

export interface NodeNetworkOptions {
  readonly clusterCidr: string;
  readonly serviceCidr: string;
}

/**
 * Makes the network of a node in a namespace of its own, from inside; what is there already is left. The node gets an address and a way out, addresses of Services
 * become its own, and what goes out by TCP is led to the relay.
 * @returns why nothing goes out, if the kernel has no packet filter
 */
export async function ensureNodeNetwork(options: NodeNetworkOptions): Promise<string | undefined> {
  const steward = new Steward('/');
  try {
    await connectNode(steward, options);
    return await leadOutwards(steward, options);
  } finally {
    await steward.close();
  }
}

async function connectNode(steward: Steward, { serviceCidr }: NodeNetworkOptions): Promise<void> {
  const [services = '', length] = serviceCidr.split('/');
  // What is not led away from the pair finds nobody, and that is told to who has sent it.
  await tellKernel(steward, addPair('uplink', 'uplink-end')).catch((error: unknown) => {
    if (!isErrno(error, kernelErrors.exists)) throw error;
  });
  await tellKernel(
    steward,
    takeUp('lo'),
    ...[outwardsAddress.ip, resolverAddress].map((ip) => addAddress('lo', ip, 32)),
    takeUp('uplink-end'),
    addAddress('uplink', nodeAddress, 32),
    takeUp('uplink'),
    addDefaultRouteBy('uplink', nodeAddress),
    addLocalNetwork(services, Number(length ?? 32), nodeAddress),
  );
}

/** Resolves to why the kernel does not. */
async function leadOutwards(
  steward: Steward,
  { clusterCidr, serviceCidr }: NodeNetworkOptions,
): Promise<string | undefined> {
  try {
    await tellKernel(steward, { filter: outwardsFilter([clusterCidr, serviceCidr]) });
    return undefined;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return error.message;
  }
}
