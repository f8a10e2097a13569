import { type UserInfo } from '../../kinds/strategy';

const prefix = 'system:node:';

/**
 * Which node agent a user is (`nodeidentifier.NodeIdentity`).
 * @returns undefined for users that are no nodes; '' for a node without a name
 */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(prefix) && groups.includes('system:nodes') ? name.slice(prefix.length) : undefined;
}
