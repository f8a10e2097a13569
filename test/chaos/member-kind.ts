import fs from 'node:fs';
import path from 'node:path';
import { issueCertificate } from '#pki';
import { type ConnectTls } from '#store';
import { type Certificates, clientTls, makeCertificates } from '../store/certificates';
import { type SpawnCommand } from './spawn-command';
import { Disk } from './disk';
import { WallClock } from './wall-clock';

/** Of a member: the machine it runs on is named as it is. */
export interface MemberPlace {
  readonly name: string;
  readonly address: string;
  /** For its data, on a file system of its own. */
  readonly directory: string;
  /** For what it is given: it must not fill up. */
  readonly configDirectory: string;
}

/** How to join: the members there will be, itself included. */
export interface Membership {
  readonly members: readonly MemberPlace[];
  readonly state: 'new' | 'existing';
}

/** Whose members: ours, or a real etcd's, which shows whether the test is fair. */
export interface MemberKind {
  readonly tls?: ConnectTls;
  /** A member that has just been told to forget history still says what it had. etcd 3.4 does not: its hash depends on how far it has come. */
  readonly hashesAnytime: boolean;
  clientUrl(place: MemberPlace): string;
  peerUrl(place: MemberPlace): string;
  prepare(place: MemberPlace): Promise<void>;
  launch(place: MemberPlace, membership: Membership): { command: SpawnCommand; env: Record<string, string> };
}

/** Of log, before a snapshot takes its place: a second or two of it, so that who was away for longer is sent a snapshot. */
const SNAPSHOT_BYTES = 64 * 1024;
const SNAPSHOT_ENTRIES = 100;

export const etcdMembers: MemberKind = {
  hashesAnytime: false,
  clientUrl: ({ address }) => `http://${address}:2379`,
  peerUrl: ({ address }) => `http://${address}:2380`,
  prepare: async () => undefined,
  launch(place, { members, state }) {
    const cluster = members.map((member) => `${member.name}=${this.peerUrl(member)}`).join(',');
    const [client, peer] = [this.clientUrl(place), this.peerUrl(place)];
    const command: SpawnCommand = [
      'etcd',
      ...['--name', place.name, '--data-dir', path.join(place.directory, 'etcd')],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', cluster, '--initial-cluster-state', state, '--initial-cluster-token', 'chaos'],
      ...['--snapshot-count', String(SNAPSHOT_ENTRIES)],
    ];
    return { command, env: {} };
  },
};

const DAY_MS = 86_400_000;
const LIFETIME_DAYS = 3;

export async function nestorMembers(): Promise<MemberKind> {
  // Good for as long as clocks are wrong, in both directions.
  return new NestorMembers(await makeCertificates(LIFETIME_DAYS, Date.now() - DAY_MS));
}

class NestorMembers implements MemberKind {
  readonly tls: ConnectTls;
  readonly hashesAnytime = true;

  constructor(private readonly certificates: Certificates) {
    this.tls = clientTls(certificates);
  }

  clientUrl({ address }: MemberPlace): string {
    return `https://${address}:2379`;
  }

  peerUrl({ address }: MemberPlace): string {
    return `https://${address}:2380`;
  }

  async prepare({ name, address, configDirectory }: MemberPlace): Promise<void> {
    const { authority } = this.certificates;
    const subject = { commonName: name, dnsNames: [], ipAddresses: [address] };
    const usages = ['server', 'client'] as const;
    const request = { ...subject, usages, days: LIFETIME_DAYS };
    const pair = await issueCertificate(authority, request, Date.now() - DAY_MS);
    fs.writeFileSync(path.join(configDirectory, 'ca.crt'), authority.certificatePem, { mode: 0o600 });
    fs.writeFileSync(path.join(configDirectory, 'tls.crt'), pair.certificatePem, { mode: 0o600 });
    fs.writeFileSync(path.join(configDirectory, 'tls.key'), pair.keyPem, { mode: 0o600 });
  }

  launch(place: MemberPlace, { members, state }: Membership): { command: SpawnCommand; env: Record<string, string> } {
    const file = (name: string): string => path.join(place.configDirectory, name);
    const env = {
      ...new WallClock(place.configDirectory).env,
      ...new Disk(place.configDirectory).env,
      LOG_LEVEL: 'info',
      LISTEN_ADDRESS: `${place.address}:2379`,
      SERVING_CERT_FILE: file('tls.crt'),
      SERVING_KEY_FILE: file('tls.key'),
      CLIENT_CA_FILE: file('ca.crt'),
      STORE_SNAPSHOT_BYTES: String(SNAPSHOT_BYTES),
      STORE_DATA_DIR: path.join(place.directory, 'store'),
      STORE_NAME: place.name,
      STORE_CLIENT_URLS: this.clientUrl(place),
      STORE_PEER_URLS: this.peerUrl(place),
      STORE_PEER_LISTEN_ADDRESS: `${place.address}:2380`,
      STORE_INITIAL_CLUSTER: members.map((member) => `${member.name}=${this.peerUrl(member)}`).join(','),
      STORE_INITIAL_CLUSTER_STATE: state,
      STORE_INITIAL_CLUSTER_TOKEN: 'chaos',
      PEER_CERT_FILE: file('tls.crt'),
      PEER_KEY_FILE: file('tls.key'),
      PEER_CA_FILE: file('ca.crt'),
    };
    return { command: [process.execPath, ...Disk.preload, path.join(__dirname, '../../dist/apps/store/main.js')], env };
  }
}
