import { type FileSystem, type StoreFile } from './files';

export interface FileMeter {
  wrote(bytes: number): void;
  synced(ms: number): void;
}

/** The same files, of which somebody hears how much is written and how long it takes to be durable. */
export function measuredFiles(files: FileSystem, monotonic: () => number, meter: FileMeter): FileSystem {
  return {
    list: (directory) => files.list(directory),
    makeDirectory: (directory) => files.makeDirectory(directory),
    rename: (from, to) => files.rename(from, to),
    remove: (file) => files.remove(file),
    syncDirectory: (directory) => files.syncDirectory(directory),
    async open(name, mode, isSynchronous): Promise<StoreFile> {
      const file = await files.open(name, mode, isSynchronous);
      return {
        read: (position, length) => file.read(position, length),
        truncate: (length) => file.truncate(length),
        size: () => file.size(),
        close: () => file.close(),
        async write(data, position) {
          const startedAt = monotonic();
          await file.write(data, position);
          meter.wrote(data.length);
          if (isSynchronous === true) meter.synced(monotonic() - startedAt);
        },
        async datasync() {
          const startedAt = monotonic();
          await file.datasync();
          meter.synced(monotonic() - startedAt);
        },
      };
    },
  };
}
