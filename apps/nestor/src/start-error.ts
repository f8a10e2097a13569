import { StoreError } from '#store';
import { UserError } from './user-error';

/** What a person can do about it, by the system's error code. */
const advice: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'there is a file of that name',
  ENAMETOOLONG: 'the path is too long',
};

/** Puts what keeps a cluster from starting into words, where it is not for its programmer to mend. */
export function explainStart(error: unknown, { root, port }: { root: string; port: number }): unknown {
  if (error instanceof StoreError && error.code === 'corrupt') {
    const way = 'Restore the directory from a copy, or begin anew with nestor down --purge.';
    return new UserError(`the data is damaged, and nothing was changed: ${error.message}\n${way}`, { cause: error });
  }
  if (!(error instanceof Error)) return error;
  const { code = '', path, address } = error as NodeJS.ErrnoException & { address?: string };
  if (code === 'EADDRINUSE' && address !== undefined && path === undefined) {
    const text = `port ${port} is taken by another program; choose one with --port, or --port 0 for any that is free`;
    return new UserError(text, { cause: error });
  }
  const words = advice[code];
  if (words === undefined || path === undefined) return error;
  return new UserError(`cannot use the data directory ${root}: ${words} (${path})`, { cause: error });
}
