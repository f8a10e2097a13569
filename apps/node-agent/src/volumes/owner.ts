import fs from 'node:fs/promises';

/** Gives a file to a user and a group; links are not followed. Rejects in words if there are none of these numbers here, as in an ordinary user's namespace. */
export async function giveTo(file: string, uid: number, gid: number): Promise<void> {
  try {
    await fs.lchown(file, uid, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    throw new Error(
      `files cannot be given to user ${uid} and group ${gid}, which a node without root does not have: more take newuidmap (Debian: uidmap) and a range in /etc/subuid and /etc/subgid`,
      { cause: error },
    );
  }
}
