import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, type BusIdentity, type BusTls, createNatsBus } from '#bus';
import {
  type BusAuthority,
  type BusPermissions,
  type CertificateRequest,
  type KeyPair,
  createAuthority,
  createBusKey,
  ensureBusAuthority,
  issueBusToken,
  issueCertificate,
  natsServerConfig,
} from '#pki';
import { type Logger, silentLogger } from '#telemetry';
import { NatsServer } from './nats-server';

/** A broker as a cluster has it: mutual TLS, and users that the cluster's account vouches for. */
export class SecureNats {
  /** Signing takes a while; tests use the same few identities. */
  private readonly identities = new Map<string, Promise<BusIdentity>>();

  private constructor(
    private readonly directory: string,
    readonly server: NatsServer,
    readonly authority: BusAuthority,
    readonly ca: KeyPair,
  ) {}

  static async start(): Promise<SecureNats> {
    const directory = mkdtempSync(join(tmpdir(), 'nestor-nats-'));
    const ca = await createAuthority('test', Date.now());
    const authority = await ensureBusAuthority(join(directory, 'bus'));
    const serving = await issueCertificate(
      ca,
      { commonName: 'nats', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'] },
      Date.now(),
    );
    const write = (name: string, contents: string): string => {
      const file = join(directory, name);
      writeFileSync(file, contents, { mode: 0o600 });
      return file;
    };
    const tls = {
      certificateFile: write('nats.crt', serving.certificatePem),
      keyFile: write('nats.key', serving.keyPem),
      caFile: write('ca.crt', ca.certificatePem),
    };
    const server = await NatsServer.start((port) =>
      write('nats.conf', natsServerConfig({ host: '127.0.0.1', port, authority, tls })),
    );
    return new SecureNats(directory, server, authority, ca);
  }

  get url(): string {
    return `tls://127.0.0.1:${this.server.port}`;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.directory, { recursive: true });
  }

  certificate(request: CertificateRequest): Promise<KeyPair> {
    return issueCertificate(this.ca, request, Date.now());
  }

  async tls(user = 'test'): Promise<BusTls> {
    return { caPem: this.ca.certificatePem, ...(await this.certificate({ commonName: user, usages: ['client'] })) };
  }

  /** An identity that somebody who holds the account's key vouches for. */
  identity(
    user: string,
    permissions: BusPermissions,
    options: { readonly expiresAt?: number; readonly accountSeed?: string } = {},
  ): Promise<BusIdentity> {
    const key = JSON.stringify([user, permissions, options]);
    const known = this.identities.get(key);
    if (known !== undefined) return known;
    const made = this.issue(user, permissions, options);
    this.identities.set(key, made);
    return made;
  }

  private async issue(
    user: string,
    permissions: BusPermissions,
    { expiresAt = Date.now() + 3600_000, accountSeed = this.authority.accountSeed },
  ): Promise<BusIdentity> {
    const { publicKey, seed } = await createBusKey();
    const token = await issueBusToken(accountSeed, { user, publicKey, permissions, expiresAt });
    return { user, credentials: () => ({ token, seed }), onRenewed: () => () => undefined };
  }

  async open(identity: BusIdentity, logger: Logger = silentLogger()): Promise<Bus> {
    const tls = await this.tls(identity.user);
    return createNatsBus({
      servers: [this.url],
      name: identity.user,
      identity,
      tls: () => tls,
      logger,
      reconnectWaitMs: 20,
    });
  }
}
