import { constants, type FileHandle, open, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** Where a container's first process waits for its start (perl/steps.pl, `ready`). */
export const startSocket = 'start';

/**
 * Lets a created container run: whoever connects to its socket is told what goes wrong until the program runs, and nothing if all is well.
 * @param state what the launcher knows of the container
 */
export async function startLaunched(state: string): Promise<string> {
  let directory: FileHandle | undefined;
  try {
    directory = await open(state, constants.O_RDONLY | constants.O_DIRECTORY);
    // The whole path may be too long for a socket's (unix(7): 108 bytes).
    const said = await text(connect(`/proc/self/fd/${directory.fd}/${startSocket}`));
    await rm(path.join(state, startSocket), { force: true });
    return said === '' ? '' : `unable to start container process: ${said}`;
  } catch (error) {
    return `unable to start container process: ${(error as Error).message}`;
  } finally {
    await directory?.close();
  }
}
