import { type ConfigMap } from '#api';
import { bootstrapTokens, isSignedBy, parseBootstrapToken, publicKeyPin, readClusterInfo } from '#pki';

/** Reads a path of a server without credentials. @param authorityPem absent: whoever answers is believed, for now */
export type FetchText = (server: string, path: string, authorityPem?: string) => Promise<string>;

export interface Discovery {
  readonly servers: readonly string[];
  readonly bootstrapToken: string;
  /** `sha256:<hex>` of the authority's public key. Without it, the token alone tells the right cluster from a wrong one. */
  readonly caHash?: string;
  readonly fetchText: FetchText;
}

/** The answer of a server cannot be trusted: asking again does not help. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError';
}

/** Nobody answered: somebody may, later. */
export class UnansweredError extends Error {
  override readonly name = 'UnansweredError';
}

/** The cluster does not know the token, or not yet: a new one is known only after a moment. */
export class UnknownTokenError extends Error {
  override readonly name = 'UnknownTokenError';
}

const { namespace, name, kubeconfigKey, signaturePrefix } = bootstrapTokens.clusterInfo;
const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
const maximumBytes = 1 << 20;

/**
 * Finds out which authority signs for the cluster, as `kubeadm join` does: anybody may read `cluster-info`; that it is the right one
 * shows by the signature that only a holder of the token can make, and by the hash of the authority's key. What was found is confirmed
 * over a connection that this authority vouches for.
 * @returns the authority's certificate, PEM. Rejects with `DiscoveryError` for what cannot be trusted
 */
export async function discoverAuthority({ servers, bootstrapToken, caHash, fetchText }: Discovery): Promise<string> {
  const token = parseBootstrapToken(bootstrapToken);
  if (token === undefined)
    throw new DiscoveryError('the bootstrap token must be of the form <6 characters>.<16 characters>');
  let failure: unknown = new DiscoveryError('no API server is given');
  for (const server of servers) {
    let text: string;
    try {
      text = await fetchText(server, path);
    } catch (cause) {
      failure = new UnansweredError(`${server} does not answer: ${textOf(cause)}`, { cause });
      continue;
    }
    const data = dataOf(text);
    const kubeconfig = data[kubeconfigKey];
    const signature = data[`${signaturePrefix}${token.id}`];
    if (kubeconfig === undefined) throw new DiscoveryError(`${server} does not tell about its cluster`);
    if (signature === undefined) {
      throw new UnknownTokenError(`the cluster at ${server} does not know the token ${token.id}: it may have expired`);
    }
    if (!isSignedBy(signature, kubeconfig, token)) {
      throw new DiscoveryError(`what ${server} tells about its cluster is not signed with the token`);
    }
    const authority = readClusterInfo(kubeconfig)?.authorityPem;
    if (authority === undefined) throw new DiscoveryError(`${server} does not tell its authority`);
    if (caHash !== undefined && publicKeyPin(authority) !== caHash.toLowerCase()) {
      throw new DiscoveryError(`the authority of ${server} has the key ${publicKeyPin(authority)}, not ${caHash}`);
    }
    const confirmed = dataOf(await fetchTrusted(fetchText, server, authority));
    if (confirmed[kubeconfigKey] !== kubeconfig) {
      throw new DiscoveryError(`${server} tells something else over a trusted connection`);
    }
    return authority;
  }
  throw failure;
}

async function fetchTrusted(fetchText: FetchText, server: string, authority: string): Promise<string> {
  try {
    return await fetchText(server, path, authority);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const isTls = /^(?:CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|ERR_TLS)/.test(code);
    const ErrorClass = isTls ? DiscoveryError : UnansweredError;
    throw new ErrorClass(`${server} does not prove to be what it tells: ${textOf(cause)}`, { cause });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function dataOf(text: string): Readonly<Record<string, string>> {
  try {
    return (JSON.parse(text) as ConfigMap).data ?? {};
  } catch (cause) {
    throw new DiscoveryError('the answer is no ConfigMap', { cause });
  }
}

/** @param deadlineMs for the whole answer */
export function httpsFetchText(deadlineMs = 10_000): FetchText {
  return async (server, wanted, authorityPem) => {
    const { Agent, request } = await import('undici');
    const dispatcher = new Agent({
      maxResponseSize: maximumBytes,
      connect: authorityPem === undefined ? { rejectUnauthorized: false } : { ca: authorityPem },
    });
    try {
      const answer = await request(new URL(wanted, server), {
        dispatcher,
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(deadlineMs),
      });
      const text = await answer.body.text();
      if (answer.statusCode === 200) return text;
      throw new Error(`${server} answered ${answer.statusCode} to a question about its cluster`);
    } finally {
      await dispatcher.destroy();
    }
  };
}
