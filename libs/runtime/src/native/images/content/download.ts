import { type Hash } from 'node:crypto';
import fs from 'node:fs/promises';
import { type Descriptor } from '../registry/manifest';
import { type BlobStream, type RegistryClient, type Source } from '../registry/registry-client';
import { ContentError, RegistryError } from '../registry/registry-error';
import { messageOf } from '../registry/registry-http';
import { withRetries } from '../registry/retry';
import { type BlobStore } from './blob-store';
import { hashFor } from './digest';
import { readBlob } from '../layers/decompress';

/**
 * Fetches a blob into the store, from where an earlier attempt of any process ended, and checks size and digest. Resolves with its file. What cannot be fetched
 * now stays for the next attempt; what is wrong goes.
 */
export async function download(
  client: RegistryClient,
  blobs: BlobStore,
  source: Source,
  { digest, size }: Descriptor,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<string> {
  const partial = await blobs.claimPartial(digest);
  const file = await fs.open(partial, 'a+', 0o600);
  let isWrong = false;
  try {
    const state = await resume(partial, file, digest, size);
    const startedAt = state.length;
    let reached = state.length;
    const hasProgressed = (): boolean => {
      const before = reached;
      reached = state.length;
      return reached > before;
    };
    await withRetries(
      client.retries(signal),
      () => fetchRest(client, source, digest, size, file, state, signal, progress),
      hasProgressed,
    );
    const found = `${digest.slice(0, digest.indexOf(':'))}:${state.hash.digest('hex')}`;
    if (state.length !== size || found !== digest) {
      isWrong = true;
      const origin = startedAt > 0 ? ', some of it from an earlier attempt' : '';
      throw new ContentError(`unexpected commit digest ${found}, expected ${digest}${origin}: failed precondition`);
    }
    await file.datasync();
    await blobs.adopt(partial, digest);
    return blobs.path(digest);
  } catch (error) {
    isWrong ||= error instanceof ContentError;
    throw error;
  } finally {
    await file.close();
    if (isWrong) await fs.rm(partial, { force: true });
    else await blobs.releasePartial(digest);
  }
}

interface State {
  length: number;
  hash: Hash;
}

async function resume(partial: string, file: fs.FileHandle, digest: string, size: number): Promise<State> {
  const { size: length } = await file.stat();
  if (length > size) {
    await file.truncate(0);
    return { length: 0, hash: hashFor(digest) };
  }
  const hash = hashFor(digest);
  if (length > 0) for await (const chunk of readBlob(partial)) hash.update(chunk);
  return { length, hash };
}

async function fetchRest(
  client: RegistryClient,
  source: Source,
  digest: string,
  size: number,
  file: fs.FileHandle,
  state: State,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<void> {
  if (state.length === size) return;
  const { offset, body } = await open(client, source, digest, state, signal);
  if (offset !== state.length) await restart(file, state, digest);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (state.length + chunk.length > size)
        throw new ContentError(`the blob ${digest} is larger than the ${size} bytes it should have`);
      await file.appendFile(chunk);
      state.hash.update(chunk);
      state.length += chunk.length;
      progress(state.length);
    }
  } catch (error) {
    signal.throwIfAborted();
    const isLocal = error instanceof ContentError || (error as NodeJS.ErrnoException).syscall === 'write';
    throw isLocal ? error : new RegistryError(`failed to read the blob ${digest}: ${messageOf(error)}`);
  }
  if (state.length < size) throw new RegistryError(`the blob ${digest} ended after ${state.length} of ${size} bytes`);
}

/** From the start, if the registry does not know the part that is asked for. */
async function open(
  client: RegistryClient,
  source: Source,
  digest: string,
  state: State,
  signal: AbortSignal,
): Promise<BlobStream> {
  try {
    return await client.blob(source, digest, state.length, signal);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status !== 416) throw error;
    return client.blob(source, digest, 0, signal);
  }
}

async function restart(file: fs.FileHandle, state: State, digest: string): Promise<void> {
  await file.truncate(0);
  state.length = 0;
  state.hash = hashFor(digest);
}
