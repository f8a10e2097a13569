// Memory: resident with 100,000 keys of 256 bytes beside etcd's; and with 512 MiB of values in ours (`STATE_MIB`, `VALUE_BYTES`), before and
// after a start.
import { fill, withBoth } from './servers.mjs';

const MIB = 1024 * 1024;
const STATE_MIB = Number(process.env.STATE_MIB ?? 512);
const GOAL_MIB = STATE_MIB <= 512 ? 1536 : 4096;
const VALUE_BYTES = Number(process.env.VALUE_BYTES ?? 8 * 1024);
// The servers inherit it; theirs ends at 2 GiB with the keys.
process.env.STORE_QUOTA_BYTES ??= String(8 * 1024 * MIB);

await withBoth(1, async (stores) => {
  const sizes = [];
  for (const store of stores) {
    await fill(store, 100_000, Buffer.alloc(256, 'v'));
    sizes.push(store.leader.residentMiB());
  }
  const [ours, theirs] = sizes;
  process.stdout.write(
    `resident with 100,000 keys of 256 bytes  ${ours.toFixed(0)} : ${theirs.toFixed(0)} MiB  ratio ${(ours / theirs).toFixed(2)}\n`,
  );
  const [store] = stores;
  await fill(store, (STATE_MIB * MIB) / VALUE_BYTES, Buffer.alloc(VALUE_BYTES, 'v'), 200_000);
  print('', store.leader);
  const after = await store.restart(0);
  print(', after a start', after);
});

function print(when, server) {
  const most = server.mostResidentMiB();
  process.stdout.write(
    `with ${STATE_MIB} MiB of values besides${when}  resident ${server.residentMiB().toFixed(0)} MiB, at most ${most.toFixed(0)} MiB  goal ${GOAL_MIB} MiB, ratio ${(most / GOAL_MIB).toFixed(2)}\n`,
  );
}
