import { createHash } from 'node:crypto';
import { type ContainerSpec } from './pod-containers';

/**
 * Identity of what a container runs. As upstream, only name and image count: other fields of a running container cannot change, or (resources)
 * change in place, and defaults added by a later release must not restart anything.
 */
export function containerHash(spec: ContainerSpec): string {
  return createHash('sha256')
    .update(JSON.stringify([spec.name, spec.image]))
    .digest('hex')
    .slice(0, 8);
}
