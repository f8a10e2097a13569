import { setTimeout as wait } from 'node:timers/promises';
import { createMemoryStore } from '#store';
import { Registry, silentLogger } from '#telemetry';
import { FakeClock } from '#testing';
import { createStoreServer } from '../../apps/store';
import { describeKeyValueStore } from '../../libs/store/src/key-value-store.contract';
import { describeWith } from '../tools/requirements';
import { type Certificates, clientTls, makeCertificates, serverTls } from './certificates';
import { connect } from './connect';
import { startEtcd } from './etcd-server';

let certificates: Promise<Certificates> | undefined;

describeKeyValueStore('our server, by TLS with client certificates,', async () => {
  const tls = await (certificates ??= makeCertificates());
  const clock = new FakeClock();
  const behind = createMemoryStore({ clock });
  const server = await createStoreServer(
    { host: '127.0.0.1', port: 0, tls: serverTls(tls) },
    { store: behind, clock, logger: silentLogger(), metrics: new Registry() },
  );
  return {
    store: await connect([`https://${server.address}`], { tls: clientTls(tls) }),
    advance: (ms) => clock.advance(ms),
    dispose: async () => {
      await server.stop();
      await behind.close();
      // The drain's timer too.
      expect(clock.pending).toBe(0);
    },
  };
});

describeWith(['etcd'], 'a real etcd', () => {
  describeKeyValueStore(
    'etcd',
    async () => {
      const etcd = await startEtcd();
      return { store: await connect([etcd.endpoint]), advance: (ms) => wait(ms), dispose: () => etcd.stop() };
    },
    { forgetsDeletionAtCompaction: true },
  );
});
