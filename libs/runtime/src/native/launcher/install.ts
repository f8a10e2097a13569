import { copyFile, chmod, mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';

const source = path.join(__dirname, 'perl');

/** One of them in this installation, for who waits for its end. */
export function perlProgram(name: string): string {
  return path.join(source, name);
}

export interface LauncherPrograms {
  readonly launcher: string;
  readonly supervisor: string;
  /** What runs crun where it would refuse the machine's control groups. */
  readonly crun: string;
}

/** Copies the programs to where containers are: a supervisor runs one of them when a container ends, whatever became of this installation. */
export async function installLauncher(directory: string): Promise<LauncherPrograms> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(source)) {
    const temporary = path.join(directory, `${name}.new`);
    await copyFile(path.join(source, name), temporary);
    await chmod(temporary, 0o700);
    await rename(temporary, path.join(directory, name));
  }
  const installed = (name: string): string => path.join(directory, `${name}.pl`);
  return { launcher: installed('launcher'), supervisor: installed('supervisor'), crun: installed('crun') };
}
