// Memory: resident with 100,000 keys of 256 bytes beside etcd's; and with 512 MiB of values in ours, how long the event loop stood still.
import { fill, withBoth } from './servers.mjs';

const MIB = 1024 * 1024;

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
  await fill(store, 64 * 1024, Buffer.alloc(8 * 1024, 'v'), 200_000);
  const resident = store.leader.residentMiB();
  process.stdout.write(
    `resident with 512 MiB of values besides  ${resident.toFixed(0)} MiB  goal 1536 MiB, ratio ${(resident / 1536).toFixed(2)} (${((resident * MIB) / (512 * MIB)).toFixed(1)} times the values)\n`,
  );
});
