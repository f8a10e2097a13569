import { resolve } from 'node:path';
import { holdHostMutex, main } from '#process';
import { openStore } from '#store';
import { createStoreServer } from './index';
import { settings } from './src/settings';

main({
  name: 'store',
  description: "keeps the cluster's state",
  settings,
  async start(process) {
    const { clock, logger, metrics, settings } = process;
    const directory = resolve(settings.STORE_DATA_DIR);
    const lock = await holdHostMutex(`store ${directory}`);
    if (lock === undefined) throw new Error(`another process has the store in ${directory}`);
    process.add({ name: 'lock', stop: () => lock.release() });
    const store = await openStore({ directory, clock, logger, quotaBytes: settings.STORE_QUOTA_BYTES });
    process.add({ name: 'store on disk', stop: () => store.close() });
    const { SERVING_CERT_FILE: certificatePem, SERVING_KEY_FILE: keyPem, CLIENT_CA_FILE: clientCaPem } = settings;
    const tls =
      certificatePem === undefined || keyPem === undefined ? {} : { tls: { certificatePem, keyPem, clientCaPem } };
    process.add(await createStoreServer({ ...settings.LISTEN_ADDRESS, ...tls }, { store, clock, logger, metrics }));
  },
});
