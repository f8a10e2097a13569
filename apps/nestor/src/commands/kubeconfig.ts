import { readFile } from 'node:fs/promises';
import { dataDirectory } from '../data-directory';
import { UserError } from '../user-error';

/** Prints the administrator's kubeconfig, or its path. */
export async function printKubeconfig(options: { dataDir: string; path: boolean }): Promise<void> {
  const { kubeconfig } = dataDirectory(options.dataDir);
  try {
    const text = await readFile(kubeconfig, 'utf8');
    process.stdout.write(options.path ? `${kubeconfig}\n` : text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UserError(
      `there is no cluster in ${options.dataDir}; start one with: nestor up --data-dir ${options.dataDir}`,
    );
  }
}
