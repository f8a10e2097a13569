import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeError } from '../../container-runtime';
import { defaultProfile } from './default-profile';
import { type SeccompProfile } from './seccomp-types';

/**
 * The profile of a container. Absent: none. Docker's own additions to the format (conditions on capabilities and architectures) are refused rather than
 * misread.
 * @param seccomp as in `ContainerSecurity`
 * @param capabilities which it may have
 */
export async function seccompProfile(
  seccomp = 'unconfined',
  capabilities: readonly string[],
): Promise<SeccompProfile | undefined> {
  if (seccomp === 'runtime/default') return defaultProfile(capabilities);
  if (!path.isAbsolute(seccomp)) return undefined;
  try {
    return profileOf(JSON.parse(await readFile(seccomp, 'utf8')) as Record<string, unknown>);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('create-failed', `cannot load seccomp profile "${seccomp}": ${message}`);
  }
}

export function profileOf(profile: Readonly<Record<string, unknown>>): SeccompProfile {
  const { syscalls = [], ...rest } = profile;
  if ('archMap' in profile) throw new Error('archMap is not supported: name the architectures');
  for (const rule of syscalls as readonly Record<string, unknown>[]) {
    for (const condition of ['includes', 'excludes']) {
      if (Object.keys((rule[condition] as object | undefined) ?? {}).length > 0) {
        throw new Error(`rules with "${condition}" are not supported`);
      }
    }
  }
  return { ...rest, syscalls } as unknown as SeccompProfile;
}
