import { join } from 'node:path';
import { dataDirectory, ensureDataDirectory } from '../data-directory';
import { StoreMembers } from '../store-members';

export interface StoreTrioOptions {
  readonly dataDir: string;
  readonly logLevel: string;
}

/** etcd's own ports, a digit before each. */
const MEMBERS = [1, 2, 3].map((number) => ({
  name: `m${number}`,
  clientPort: number * 10_000 + 2_379,
  peerPort: number * 10_000 + 2_380,
}));

/** Where its members are. */
export const trioEndpoints = MEMBERS.map(({ clientPort }) => `http://127.0.0.1:${clientPort}`);

/** Runs three members of a store alone, in the foreground, without TLS: to try things out. */
export async function storeTrio({ dataDir, logLevel }: StoreTrioOptions): Promise<void> {
  const directory = dataDirectory(dataDir);
  await ensureDataDirectory(directory);
  const members = new StoreMembers({
    members: MEMBERS.map((member) => ({ ...member, directory: join(directory.trio, member.name) })),
    environment: { LOG_LEVEL: logLevel },
    say: (line) => console.log(line),
  });
  members.start();
  console.log(`Three members in ${directory.trio}, for clients on this machine only:\n`);
  console.log(`  export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=${members.endpoints.join(',')}`);
  console.log('  etcdctl endpoint status --write-out table\n\nCtrl-C stops them.');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
  await members.stop();
}
