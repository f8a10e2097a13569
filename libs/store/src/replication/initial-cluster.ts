import { storeErrors } from '../errors';
import { type ClusterOptions } from './bootstrap';

/**
 * etcd's notation, `name=https://host:2380`, an entry a URL: a member with two has two entries.
 * @param called what the list and the name are called where they come from
 * @throws StoreError that says which entry is wrong, or that this member is not among them
 */
export function parseInitialCluster(
  entries: readonly string[],
  name: string,
  called: { readonly list: string; readonly name: string },
): ClusterOptions['initialCluster'] {
  const members = entries.map((entry) => {
    const at = entry.indexOf('=');
    const peerUrl = entry.slice(at + 1);
    if (at < 1 || !URL.canParse(peerUrl) || !/^https?:$/.test(new URL(peerUrl).protocol)) {
      throw storeErrors.invalid(
        `${called.list} has ${JSON.stringify(entry)}, which is not like name=https://host:2380`,
      );
    }
    return { name: entry.slice(0, at), peerUrl };
  });
  if (members.some((member) => member.name === name)) return members;
  throw storeErrors.invalid(`${called.list} has no member ${name}, which is the ${called.name} of this one`);
}
