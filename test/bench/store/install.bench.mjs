// Memory of a member that has a state (`STATE_MIB`, default 512, in values of `VALUE_BYTES`), was away, and is sent another member's as large.
import { fill, inDirectory, startOurs } from './servers.mjs';

const MIB = 1024 * 1024;
const STATE_MIB = Number(process.env.STATE_MIB ?? 512);
const GOAL_MIB = STATE_MIB <= 512 ? 1536 : 4096;
const VALUE_BYTES = Number(process.env.VALUE_BYTES ?? 8 * 1024);
/** More than is kept for followers that were away. */
const MORE_MIB = 160;
// The servers inherit it.
process.env.STORE_QUOTA_BYTES ??= String(8 * 1024 * MIB);

await inDirectory(async (directory) => {
  const store = await startOurs(directory, 3);
  try {
    const keys = (STATE_MIB * MIB) / VALUE_BYTES;
    await fill(store, keys, Buffer.alloc(VALUE_BYTES, 'v'));
    const away = store.servers.findIndex((server) => server !== store.leader);
    await caughtUp(store, away);
    await store.servers[away].stop('SIGTERM');
    await fill(store, (MORE_MIB * MIB) / VALUE_BYTES, Buffer.alloc(VALUE_BYTES, 'w'), keys);
    const server = await store.restart(away);
    await caughtUp(store, away);
    process.stdout.write(
      `with ${STATE_MIB} MiB of values, sent as many: at most ${server.mostResidentMiB().toFixed(0)} MiB  goal ${GOAL_MIB} MiB, ratio ${(server.mostResidentMiB() / GOAL_MIB).toFixed(2)}  then ${server.residentMiB().toFixed(0)} MiB, leader ${store.leader.mostResidentMiB().toFixed(0)} MiB\n`,
    );
  } finally {
    await store.stop();
  }
});

/** A linearizable read is answered: by then it has everything. */
async function caughtUp(store, which) {
  const client = await store.connect(store.servers[which].endpoint);
  for (;;) {
    try {
      await client.range({ key: 'nothing' });
      return await client.close();
    } catch {
      // It comes when it is there.
    }
  }
}
