import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseInitialCluster, restoreSnapshot, snapshotStatus } from '#store';
import { findStore, operate, type StoreConnectionOptions, toUserError } from '../store-connection';
import { UserError } from '../user-error';
import { idOf } from './store-member';
import { bytes } from './store-status';

const DIGEST_BYTES = 32;

/** Downloads a snapshot, whole or not at all, and looks whether it is what was sent. */
export async function saveSnapshot(file: string, options: StoreConnectionOptions): Promise<void> {
  const unfinished = `${file}.part`;
  const size = await operate(await findStore(options), async (operator) => {
    try {
      const saved = await download(operator.snapshot(), unfinished);
      await rename(unfinished, file);
      return saved;
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  });
  console.log(`Snapshot saved at ${file}: ${bytes(size)}. It holds every Secret: keep it where nobody reads it.`);
}

async function download(chunks: AsyncIterable<Uint8Array>, file: string): Promise<number> {
  const target = await open(file, 'w', 0o600);
  try {
    const hash = createHash('sha256');
    let size = 0;
    // What may be the digest, which does not count for itself.
    let end = Buffer.alloc(0);
    for await (const chunk of chunks) {
      await target.writeFile(chunk);
      size += chunk.length;
      const rest = Buffer.concat([end, chunk]);
      const content = Math.max(0, rest.length - DIGEST_BYTES);
      hash.update(rest.subarray(0, content));
      end = rest.subarray(content);
    }
    if (!hash.digest().equals(end)) throw new UserError('what arrived is not what was sent: its SHA-256 is another');
    await target.sync();
    return size;
  } finally {
    await target.close();
  }
}

export async function showSnapshot(file: string, options: { readonly skipHashCheck: boolean }): Promise<void> {
  const status = await snapshotStatus(file, { isBare: options.skipHashCheck }).catch((error: unknown) => {
    throw toUserError(error);
  });
  console.log(`revision   ${status.revision}`);
  console.log(`compacted  ${status.compactRevision < 0 ? 'never' : status.compactRevision}`);
  console.log(`keys       ${status.keys}`);
  console.log(`size       ${bytes(status.bytes)}`);
  console.log(`hash       ${status.hash.toString(16).padStart(8, '0')}`);
  console.log(`members    ${status.members.join(', ') || '<one, alone>'}`);
}

export interface RestoreCommandOptions {
  readonly dataDir: string;
  readonly name: string;
  readonly initialCluster?: readonly string[];
  readonly initialClusterToken: string;
  readonly initialPeerUrls?: readonly string[];
  readonly bumpRevision?: number;
  readonly skipHashCheck: boolean;
}

/** Makes a directory of a member of a new cluster. */
export async function restore(file: string, options: RestoreCommandOptions): Promise<void> {
  const directory = resolve(options.dataDir);
  try {
    const cluster = clusterOf(options);
    const restored = await restoreSnapshot({
      file,
      directory,
      ...(options.bumpRevision === undefined ? {} : { revisionBump: options.bumpRevision }),
      isBare: options.skipHashCheck,
      ...(cluster === undefined ? {} : { cluster }),
    });
    const { revision, members } = restored;
    console.log(`Restored to ${directory}: member ${idOf({ id: restored.memberId })} of ${members.length}.`);
    console.log(`The new cluster begins at revision ${revision}.\n\nStart it with:\n\nSTORE_DATA_DIR=${directory}`);
    if (options.initialCluster !== undefined) {
      console.log(`STORE_NAME=${options.name}\nSTORE_INITIAL_CLUSTER=${options.initialCluster.join(',')}`);
      console.log('\nRestore the same file on every other member before they start.');
    }
  } catch (error) {
    throw toUserError(error);
  }
}

function clusterOf({ name, initialCluster, initialClusterToken: token, initialPeerUrls }: RestoreCommandOptions) {
  if (initialCluster === undefined) return undefined;
  const members = parseInitialCluster(initialCluster, name, { list: '--initial-cluster', name: '--name' });
  const own = members.filter((member) => member.name === name).map(({ peerUrl }) => peerUrl);
  return { initialCluster: members, token, peerUrls: initialPeerUrls ?? own };
}
