import path from 'node:path';
import { type SelfSubjectReview, resources } from '#api';
import { ApiError, type Clock, delay, hasReason } from '#machinery';
import {
  type KeyPair,
  createAuthority,
  makePrivateDirectory,
  publicKeyPin,
  readPrivateFile,
  writeFileAtomically,
} from '#pki';
import { type Logger } from '#telemetry';
import { ApiAccess, type Connect, type Credentials, httpConnect, isUnanswered } from './api-access';
import { discoverAuthority, type FetchText, httpsFetchText, UnansweredError, UnknownTokenError } from './discover';
import { problemOf, readKeyPair, writeKeyPair } from './key-pair-file';
import { ManagedCertificate } from './managed-certificate';
import { requestCertificate, type WantedCertificate } from './request-certificate';

export interface NodeIdentityOptions {
  readonly nodeName: string;
  /** Where keys and certificates are kept, readable by the owner only. */
  readonly directory: string;
  /** `https://host:port`, one or more of the same cluster. */
  readonly servers: readonly string[];
  /** A certificate that somebody else has got for this node: used, and renewed, unless there is one in the directory. */
  readonly initial?: KeyPair;
  /** Needed until there is a certificate. */
  readonly bootstrapToken?: string;
  /** The cluster's authority; absent: it is found by the token and, if given, the hash (`sha256:<hex>`) of its key. */
  readonly caPem?: string;
  readonly caHash?: string;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Gives up waiting for the first certificate. */
  readonly signal?: AbortSignal;
  /** How the API is reached. Default: HTTPS. */
  readonly connect?: Connect;
  readonly fetchText?: FetchText;
}

/** A certificate that changes now and then. */
export interface RenewedCertificate {
  current(): KeyPair;
  /** @returns a function that removes the listener, which must not throw */
  onRenewed(listener: (pair: KeyPair) => void): () => void;
}

export interface NodeIdentity extends RenewedCertificate {
  /** The cluster's authority, PEM. */
  readonly authorityPem: string;
  /**
   * A certificate for the server of the node. The cluster signs it only once the Node object has these addresses, so what there is at
   * first is signed by nobody: listen with it, and change over when told.
   */
  serving(names: ServingNames): Promise<RenewedCertificate>;
  stop(): Promise<void>;
}

export interface ServingNames {
  /** Of the Node's `status.addresses`. The node's name is always among the names. */
  readonly ipAddresses: readonly string[];
}

const retryMs = 1000;
const longestRetryMs = 15_000;
/** How long a new token may take to be known. */
const tokenPatienceMs = 15_000;

/**
 * Makes sure that this node is somebody: takes the certificate that it has, or joins the cluster with a bootstrap token to get one; and
 * renews it from then on. Resolves when there is one that works. Unreachable servers are waited for; what asking again cannot mend
 * (a wrong token, another cluster, a denied request) rejects.
 */
export async function ensureNodeIdentity(options: NodeIdentityOptions): Promise<NodeIdentity> {
  await makePrivateDirectory(options.directory);
  const authorityPem = await ensureAuthority(options);
  const connect = options.connect ?? httpConnect(options);
  return new Joining(options, authorityPem, new ApiAccess(options.servers, authorityPem, connect)).join();
}

/** Parts that all certificates of one node share. */
class Joining {
  private readonly userName: string;

  constructor(
    private readonly options: NodeIdentityOptions,
    private readonly authorityPem: string,
    private readonly access: ApiAccess,
  ) {
    this.userName = `system:node:${options.nodeName}`;
  }

  async join(): Promise<NodeIdentity> {
    const {
      directory,
      bootstrapToken,
      nodeName,
      logger,
      initial: given,
      signal = new AbortController().signal,
    } = this.options;
    const file = path.join(directory, 'client.pem');
    const kept = await readKeyPair(file);
    const isKept = kept !== undefined && this.problem(kept) === undefined;
    const known = isKept ? kept : (given ?? kept);
    const problem = known === undefined ? 'there is none' : this.problem(known);
    let initial = known;
    if (initial === undefined || problem !== undefined) {
      if (bootstrapToken === undefined) {
        throw new Error(`node ${nodeName} has no certificate (${problem}) and no bootstrap token to get one: ${file}`);
      }
      logger.info({ node: nodeName }, 'joining with a bootstrap token');
      initial = await this.obtainFirst(file, bootstrapToken, signal);
    }
    const client = this.manage('client', initial, false, (current, stopping) =>
      this.obtainClient(file, current, stopping),
    );
    const serving: ManagedCertificate[] = [];
    return {
      authorityPem: this.authorityPem,
      current: () => client.current(),
      onRenewed: (listener) => client.onRenewed(listener),
      serving: async (names) => {
        const managed = await this.serving(names, client);
        serving.push(managed);
        return managed;
      },
      stop: async () => {
        await Promise.all([client, ...serving].map((managed) => managed.stop()));
      },
    };
  }

  private problem(pair: KeyPair, names: { dnsNames?: string[]; ipAddresses?: readonly string[] } = {}) {
    const { clock } = this.options;
    return problemOf(pair, { commonName: this.userName, authorityPem: this.authorityPem, now: clock.now(), ...names });
  }

  private manage(
    name: string,
    initial: KeyPair,
    isProvisional: boolean,
    obtain: (current: KeyPair, signal: AbortSignal) => Promise<KeyPair>,
  ): ManagedCertificate {
    const { clock, random, logger } = this.options;
    return new ManagedCertificate({ name, initial, isProvisional, obtain, clock, random, logger });
  }

  private async obtainFirst(file: string, token: string, signal: AbortSignal): Promise<KeyPair> {
    try {
      return await untilAnswered(() => this.obtainClient(file, { token }, signal), this.options, signal);
    } catch (cause) {
      if (!hasReason(cause, 'Unauthorized')) throw cause;
      const [id = ''] = token.split('.');
      throw new Error(`the cluster does not accept the bootstrap token ${id}: it is wrong, expired or deleted`, {
        cause,
      });
    }
  }

  private async obtainClient(file: string, credentials: Credentials, signal: AbortSignal): Promise<KeyPair> {
    const pair = await this.request(
      {
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        subject: { commonName: this.userName, organizations: ['system:nodes'] },
        purpose: 'client auth',
      },
      credentials,
      signal,
    );
    // The old one is given up only for one that the API knows.
    const review: SelfSubjectReview = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const { status } = await this.access.call(pair, (api) => api.create(resources.selfSubjectReviews, review));
    const name = status?.userInfo?.username;
    if (name !== this.userName) throw new Error(`the API takes the new certificate for ${name ?? 'nobody'}`);
    await writeKeyPair(file, pair);
    return pair;
  }

  private async serving({ ipAddresses }: ServingNames, client: ManagedCertificate): Promise<ManagedCertificate> {
    const { directory, nodeName, clock } = this.options;
    const file = path.join(directory, 'serving.pem');
    const names = { dnsNames: [nodeName], ipAddresses };
    const known = await readKeyPair(file);
    const isGood = known !== undefined && this.problem(known, names) === undefined;
    const initial = isGood ? known : await createAuthority(this.userName, clock.now());
    return this.manage('serving', initial, !isGood, async (_current, signal) => {
      const subject = { commonName: this.userName, organizations: ['system:nodes'], ...names };
      const signerName = 'kubernetes.io/kubelet-serving';
      const pair = await this.request({ signerName, subject, purpose: 'server auth' }, client.current(), signal);
      await writeKeyPair(file, pair);
      return pair;
    });
  }

  private async request(wanted: WantedCertificate, credentials: Credentials, signal: AbortSignal): Promise<KeyPair> {
    const { clock, random } = this.options;
    const { access } = this;
    const pair = await requestCertificate(wanted, { access, credentials, clock, random, signal });
    const problem = this.problem(pair);
    if (problem !== undefined) throw new Error(`the certificate that was issued cannot be used: ${problem}`);
    return pair;
  }
}

/** The authority that was given, that is known from before, or that the token vouches for. */
async function ensureAuthority(options: NodeIdentityOptions): Promise<string> {
  const { directory, servers, bootstrapToken, caPem, caHash, logger, fetchText = httpsFetchText() } = options;
  if (caPem !== undefined) return caPem;
  const file = path.join(directory, 'ca.crt');
  const known = await readPrivateFile(file);
  if (known !== undefined && (caHash === undefined || publicKeyPin(known) === caHash.toLowerCase())) return known;
  if (bootstrapToken === undefined) {
    throw new Error('the authority of the cluster is not known, and there is no bootstrap token to find it by');
  }
  if (caHash === undefined)
    logger.warn('the authority of the cluster is trusted by the token alone: no hash of its key is given');
  const authorityPem = await untilAnswered(
    () => discoverAuthority({ servers, bootstrapToken, fetchText, ...(caHash === undefined ? {} : { caHash }) }),
    options,
    options.signal ?? new AbortController().signal,
  );
  await writeFileAtomically(file, authorityPem);
  return authorityPem;
}

/** Again, with growing delays, for as long as nobody answers. */
async function untilAnswered<T>(
  attempt: () => Promise<T>,
  { clock, random, logger }: Pick<NodeIdentityOptions, 'clock' | 'random' | 'logger'>,
  signal: AbortSignal,
): Promise<T> {
  const since = clock.monotonic();
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !mayPass(error, clock.monotonic() - since)) throw error;
      logger.warn({ err: error }, 'the cluster cannot be joined yet');
      await delay(
        clock,
        Math.min(longestRetryMs, retryMs * 2 ** Math.min(failures, 5)) * (0.75 + random() / 2),
        signal,
      );
    }
  }
}

/** Only that nobody answers passes by itself, and that a token was made a moment ago. */
function mayPass(error: unknown, waitedMs: number): boolean {
  if (error instanceof UnknownTokenError) return waitedMs < tokenPatienceMs;
  return error instanceof UnansweredError || (error instanceof ApiError && isUnanswered(error));
}
