import { createHash } from 'node:crypto';
import { type LocalImage } from './docker-archive';
import { type Architecture, pauseCode } from './pause-program';
import { staticElf } from './static-elf';

/** The image of pod sandboxes: nothing but the pause process. */
export function pauseImage(architecture: Architecture): LocalImage & { readonly key: string } {
  const content = staticElf(architecture, pauseCode(architecture));
  const key = `nestor.local/pause:${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
  return {
    key,
    architecture,
    tags: [key],
    files: [{ path: '/pause', mode: 0o755, content }],
    config: { Entrypoint: ['/pause'] },
  };
}
