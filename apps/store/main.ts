import { resolve } from 'node:path';
import { holdHostMutex, main } from '#process';
import { openStore } from '#store';
import { createStoreServer } from './index';
import { clusterOptions, servingTls } from './src/from-settings';
import { settings } from './src/settings';

/** Of a segment of the log, which is read at once. */
const [MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES] = [32 * 1024, 16 * 1024 * 1024];

main({
  name: 'store',
  description: "keeps the cluster's state",
  settings,
  async start(process) {
    const { clock, logger, metrics, settings, signal } = process;
    const directory = resolve(settings.STORE_DATA_DIR);
    const lock = await holdHostMutex(`store ${directory}`);
    if (lock === undefined) throw new Error(`another process has the store in ${directory}`);
    process.add({ name: 'lock', stop: () => lock.release() });
    const { STORE_QUOTA_BYTES: quotaBytes, STORE_MAX_REQUEST_BYTES: maxRequestBytes } = settings;
    const { STORE_SNAPSHOT_BYTES: snapshotEveryBytes } = settings;
    const cluster = await clusterOptions(settings, { clock, random: Math.random, logger, metrics, signal });
    const segmentBytes = Math.max(MIN_SEGMENT_BYTES, Math.min(MAX_SEGMENT_BYTES, Math.ceil(snapshotEveryBytes / 2)));
    const limits = { quotaBytes, maxRequestBytes, snapshotEveryBytes, segmentBytes };
    const store = await openStore({
      directory,
      clock,
      logger,
      metrics,
      ...limits,
      onFailure: (error) => process.fail(error, 'the store has failed'),
      ...(cluster === undefined ? {} : { cluster }),
    });
    process.add({ name: 'store on disk', stop: () => store.close() });
    const tls = servingTls(settings);
    process.add(
      await createStoreServer(
        { ...settings.LISTEN_ADDRESS, maxRequestBytes, ...(tls === undefined ? {} : { tls }) },
        { store, clock, logger, metrics },
      ),
    );
  },
});
