import { execFile } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '#machinery';
import { issueCertificate } from '#pki';
import { connectOperator, type ConnectTls, type KeyValueStore } from '#store';
import { ManagedProcess } from '../cluster/managed-process';
import { eventually } from '../tools/eventually';
import { freePorts } from '../tools/free-ports';
import { describeWith } from '../tools/requirements';
import { type Certificates, clientTls, makeCertificates } from './certificates';
import { connect } from './connect';
import { startEtcd } from './etcd-server';

const run = promisify(execFile);
const root = path.join(__dirname, '../..');
const everything = { key: '\0', rangeEnd: '\0' };

interface Place {
  readonly name: string;
  readonly directory: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly process: ManagedProcess;
}

/** What etcd's own dashboard and alerts ask Prometheus for (its `contrib/mixin`). */
const dashboard: readonly string[] = [
  'etcd_disk_backend_commit_duration_seconds_bucket',
  'etcd_disk_wal_fsync_duration_seconds_bucket',
  'etcd_mvcc_db_total_size_in_bytes',
  'etcd_mvcc_db_total_size_in_use_in_bytes',
  'etcd_network_client_grpc_received_bytes_total',
  'etcd_network_client_grpc_sent_bytes_total',
  'etcd_network_peer_received_bytes_total{From=',
  'etcd_network_peer_round_trip_time_seconds_bucket',
  'etcd_network_peer_sent_bytes_total{To=',
  'etcd_server_has_leader 1',
  'etcd_server_leader_changes_seen_total',
  'etcd_server_proposals_applied_total',
  'etcd_server_proposals_committed_total',
  'etcd_server_proposals_failed_total 0',
  'etcd_server_proposals_pending 0',
  'etcd_server_quota_backend_bytes',
  'grpc_server_handled_total{grpc_type="unary"',
  'grpc_server_handling_seconds_bucket',
  'grpc_server_started_total',
  'process_max_fds',
  'process_open_fds',
  'process_resident_memory_bytes',
];

/** Writes one key after the other, and remembers what was acknowledged. */
class Writer {
  readonly acknowledged: string[] = [];
  failures = 0;
  private isStopping = false;
  private readonly work: Promise<void>;

  constructor(private readonly store: KeyValueStore) {
    this.work = this.run();
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await this.work;
  }

  private async run(): Promise<void> {
    for (let n = 0; !this.isStopping; n++) {
      const key = `written/${n}`;
      try {
        await this.store.put({ key, value: Buffer.from('x') });
        this.acknowledged.push(key);
      } catch {
        this.failures++;
        // A client that was closed rejects at once: others have to run, too.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}

/** What docs/store.md says, done. */
describeWith(['etcd'], 'a store of several members, by its operator', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-operations-'));
  const file = (name: string): string => path.join(directory, name);
  const places = new Map<string, Place>();
  let certificates: Certificates;
  let tls: ConnectTls;
  let store: KeyValueStore;

  beforeAll(async () => {
    certificates = await makeCertificates();
    tls = clientTls(certificates);
    const { authority, client } = certificates;
    const subject = { commonName: 'nestor:store', dnsNames: [], ipAddresses: ['127.0.0.1'] };
    const member = await issueCertificate(authority, { ...subject, usages: ['server', 'client'], days: 1 }, Date.now());
    const files = {
      'ca.crt': authority.certificatePem,
      'client.crt': client.certificatePem,
      'client.key': client.keyPem,
      'member.crt': member.certificatePem,
      'member.key': member.keyPem,
    };
    for (const [name, text] of Object.entries(files)) fs.writeFileSync(file(name), text, { mode: 0o600 });
    const names = ['m1', 'm2', 'm3'];
    const ports = await freePorts(6);
    const urls = names.map((name, n) => `${name}=https://127.0.0.1:${ports[2 * n + 1]}`).join(',');
    for (const [n, name] of names.entries()) {
      start(name, { ports: [ports[2 * n]!, ports[2 * n + 1]!], environment: { STORE_INITIAL_CLUSTER: urls } });
    }
    await allWell();
    store = await connect(endpoints(), { tls });
  });

  afterAll(async () => {
    await store.close();
    for (const { process } of places.values()) await process.kill();
    fs.rmSync(directory, { recursive: true });
  });

  const endpoints = (): string[] => [...places.values()].map(({ clientUrl }) => clientUrl);

  function start(name: string, options: { ports: readonly number[]; environment: Record<string, string> }): Place {
    const [client, peer] = options.ports;
    const place = {
      name,
      directory: file(name),
      clientUrl: `https://127.0.0.1:${client}`,
      peerUrl: `https://127.0.0.1:${peer}`,
      process: new ManagedProcess({
        name,
        command: [process.execPath, path.join(root, 'dist/apps/store/main.js')],
        logFile: file(`${name}.log`),
        env: {
          LOG_LEVEL: 'info',
          STORE_NAME: name,
          STORE_DATA_DIR: file(name),
          LISTEN_ADDRESS: `127.0.0.1:${client}`,
          STORE_PEER_LISTEN_ADDRESS: `127.0.0.1:${peer}`,
          SERVING_CERT_FILE: file('member.crt'),
          SERVING_KEY_FILE: file('member.key'),
          CLIENT_CA_FILE: file('ca.crt'),
          CLIENT_ALLOWED_NAMES: 'gateway',
          PEER_CERT_FILE: file('member.crt'),
          PEER_KEY_FILE: file('member.key'),
          PEER_CA_FILE: file('ca.crt'),
          PEER_ALLOWED_NAMES: 'nestor:store',
          ...options.environment,
        },
      }),
    };
    place.process.start();
    places.set(name, place);
    return place;
  }

  /** `nestor store …`, about the members that there are. */
  async function nestor(...args: string[]): Promise<string> {
    return at(endpoints(), ...args);
  }

  async function at(members: readonly string[], ...args: string[]): Promise<string> {
    const files = ['--ca-file', file('ca.crt'), '--cert-file', file('client.crt'), '--key-file', file('client.key')];
    return alone(...args, '--endpoints', members.join(','), ...files);
  }

  async function alone(...args: string[]): Promise<string> {
    return (await run(process.execPath, [path.join(root, 'bin/nestor'), 'store', ...args])).stdout;
  }

  /** All members answer, know one leader, and have applied the same. */
  async function allWell(): Promise<void> {
    await eventually(async () => {
      const statuses = await Promise.all(
        endpoints().map(async (endpoint) => {
          const operator = await connectOperator({ endpoint, tls, clock: systemClock });
          return operator.status().finally(() => operator.close());
        }),
      );
      expect(new Set(statuses.map(({ leader }) => leader)).size).toBe(1);
      expect(statuses[0]!.leader).not.toBe(0n);
    }, 60_000);
  }

  it('is begun by three, and says who they are and how they are', async () => {
    const list = await nestor('member', 'list');
    for (const { name, peerUrl } of places.values()) expect(list).toMatch(new RegExp(`started +${name} +${peerUrl}`));
    const status = await nestor('status');
    expect(status.split('\n').filter((line) => /^https:.* 3\.6\.0 /.test(line))).toHaveLength(3);
    expect(status.match(/ B +true /g)).toHaveLength(1);
  });

  it('tells what dashboards look at, one leader among them', async () => {
    const { caPem: ca, certificatePem: cert, keyPem: key } = tls;
    const metrics = async (endpoint: string): Promise<string> =>
      new Promise((resolve, reject) => {
        https
          .get(`${endpoint}/metrics`, { ca, cert, key, agent: false }, (response) => resolve(text(response)))
          .on('error', reject);
      });
    await eventually(async () => {
      const told = await Promise.all(endpoints().map(metrics));
      for (const each of told) expect(dashboard.filter((name) => !each.includes(`\n${name}`))).toEqual([]);
      expect(told.filter((each) => each.includes('\netcd_server_is_leader 1\n'))).toHaveLength(1);
    }, 60_000);
  });

  it('takes a fourth in as a learner, which may be there before it is added, promotes it, and lets one go', async () => {
    const [client, peer] = await freePorts(2);
    const peerUrl = `https://127.0.0.1:${peer}`;
    const others = [...places.values()].map((place) => `${place.name}=${place.peerUrl}`).join(',');
    const fourth = start('m4', {
      ports: [client!, peer!],
      environment: {
        STORE_INITIAL_CLUSTER: `${others},m4=${peerUrl}`,
        STORE_INITIAL_CLUSTER_STATE: 'existing',
      },
    });
    await eventually(() => expect(fourth.process.log).toContain('waiting for a member that knows this one'), 60_000);
    places.delete('m4');
    const added = await nestor('member', 'add', 'm4', '--peer-urls', peerUrl, '--learner');
    expect(added).toContain(`m4=${peerUrl}`);
    expect(added).toContain('STORE_INITIAL_CLUSTER_STATE=existing');
    await eventually(() => nestor('member', 'promote', 'm4'), 60_000);
    places.set('m4', fourth);
    await allWell();
    expect(await nestor('member', 'list')).not.toContain('true');

    const gone = places.get('m1')!;
    await nestor('member', 'remove', 'm1');
    places.delete('m1');
    await eventually(() => expect(gone.process.log).toContain('permanently removed'), 60_000);
    await eventually(() => expect(gone.process.ending).toBe('1'));
    expect(await nestor('member', 'list')).not.toContain('m1');
    await expect(nestor('member', 'remove', 'm1')).rejects.toMatchObject({
      stderr: expect.stringContaining('there is no member m1; there are ') as unknown,
    });
    await store.close();
    store = await connect(endpoints(), { tls });
    await allWell();
  });

  it('is restarted member by member while it is written to, and loses nothing', async () => {
    const writer = new Writer(store);
    try {
      for (const { process } of places.values()) {
        expect(await process.stop()).toBe(0);
        process.start();
        await allWell();
        const before = writer.acknowledged.length;
        await eventually(() => expect(writer.acknowledged.length).toBeGreaterThan(before + 10), 60_000);
      }
    } finally {
      await writer.stop();
    }
    const { kvs } = await store.range({ key: 'written/', rangeEnd: 'written0', keysOnly: true });
    const there = new Set(kvs.map(({ key }) => key));
    expect(writer.acknowledged.filter((key) => !there.has(key))).toEqual([]);
    expect(writer.failures).toBeLessThan(10);
  });

  it('is saved, and begins again from what was saved', async () => {
    const saved = file('saved');
    await nestor('snapshot', 'save', saved);
    expect(fs.statSync(saved).mode & 0o777).toBe(0o600);
    const { revision, count } = await store.range({ ...everything, countOnly: true });
    const status = await alone('snapshot', 'status', saved);
    expect(status).toContain(`revision   ${revision}\n`);
    expect(status).toContain(`keys       ${count}\n`);
    const damaged = fs.readFileSync(saved);
    damaged[damaged.length >> 1]! ^= 1;
    fs.writeFileSync(file('damaged'), damaged);
    await expect(alone('snapshot', 'status', file('damaged'))).rejects.toMatchObject({
      stderr: expect.stringContaining('its SHA-256 is not the one that it ends with') as unknown,
    });

    await store.close();
    await Promise.all([...places.values()].map(({ process }) => process.kill()));
    places.clear();
    const names = ['r1', 'r2', 'r3'];
    const ports = await freePorts(6);
    const members = names.map((name, n) => `${name}=https://127.0.0.1:${ports[2 * n + 1]}`).join(',');
    for (const name of names) {
      const cluster = ['--name', name, '--initial-cluster', members];
      await alone('snapshot', 'restore', saved, '--data-dir', file(name), ...cluster);
    }
    for (const [n, name] of names.entries()) {
      start(name, { ports: [ports[2 * n]!, ports[2 * n + 1]!], environment: { STORE_INITIAL_CLUSTER: members } });
    }
    await allWell();
    store = await connect(endpoints(), { tls });
    const restored = await store.range({ ...everything, countOnly: true });
    expect(restored.count).toBe(count);
    expect(restored.revision).toBe(revision + 1_000_000_000);
    const end = await new Promise<Error>((resolve) => {
      store.watch({ ...everything, startRevision: revision }, { onBatch: () => undefined, onEnd: resolve });
    });
    expect(end).toMatchObject({ code: 'compacted' });
    await eventually(async () => {
      const list = await nestor('member', 'list');
      for (const name of names) expect(list).toContain(` ${name} `);
    });
    await store.put({ key: 'after', value: Buffer.from('x') });
    await expect(alone('snapshot', 'restore', saved, '--data-dir', file('r1'))).rejects.toMatchObject({
      stderr: expect.stringContaining('has a store already') as unknown,
    });
  });

  it('moves to a real etcd, whose revision is ahead of ours', async () => {
    const etcd = await startEtcd();
    // A billion revisions are not written in a test: a store that was not restored is moved.
    const [client] = await freePorts(1);
    const small = new ManagedProcess({
      name: 'small',
      command: [process.execPath, path.join(root, 'dist/apps/store/main.js')],
      logFile: file('small.log'),
      env: { STORE_DATA_DIR: file('small'), LISTEN_ADDRESS: `127.0.0.1:${client}` },
    });
    const endpoint = `http://127.0.0.1:${client}`;
    small.start();
    const source = await connect([endpoint]);
    const target = await connect([etcd.endpoint]);
    try {
      await eventually(() => source.range({ key: 'x' }));
      // Not all at once: each has five seconds, and so has whoever sends it.
      for (let from = 0; from < 2_000; from += 100) {
        const numbers = Array.from({ length: 100 }, (_, at) => from + at);
        await Promise.all(numbers.map((n) => source.put({ key: `key/${n % 700}`, value: Buffer.from(`${n}`) })));
      }
      const { id } = await source.leaseGrant(600);
      await source.put({ key: 'leased', value: Buffer.from('x'), lease: id });
      const to = etcd.endpoint.replace('http:', 'etcd:');
      const said = await alone('migrate', '--endpoints', endpoint, '--to', to);
      expect(said).toContain('Moved 701 keys');
      expect(said).toContain('1 of them had a lease');
      const ours = await source.range(everything);
      const theirs = await target.range(everything);
      const plain = ({ kvs }: typeof ours): string[] =>
        kvs.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`);
      expect(plain(theirs)).toEqual(plain(ours));
      expect(Math.min(...theirs.kvs.map(({ modRevision }) => modRevision))).toBeGreaterThan(ours.revision);
      await expect(alone('migrate', '--endpoints', endpoint, '--to', to)).rejects.toMatchObject({
        stderr: expect.stringContaining('the target has 701 keys already') as unknown,
      });
    } finally {
      await source.close();
      await target.close();
      await small.kill();
      await etcd.stop();
    }
  });
});
