import { type Settings } from '#process';
import { type settings } from './settings';

type StoreSettings = Settings<typeof settings>;

export interface InitialMember {
  readonly name: string;
  readonly peerUrl: string;
}

/**
 * etcd's notation, `name=https://host:2380`, an entry a URL: a member with two has two entries.
 * @throws Error that says which entry is wrong, or that this member is not among them
 */
export function parseInitialCluster(entries: readonly string[], name: string): readonly InitialMember[] {
  const members = entries.map((entry) => {
    const at = entry.indexOf('=');
    const peerUrl = entry.slice(at + 1);
    if (at < 1 || !URL.canParse(peerUrl) || !/^https?:$/.test(new URL(peerUrl).protocol)) {
      throw new Error(`STORE_INITIAL_CLUSTER has ${JSON.stringify(entry)}, which is not like name=https://host:2380`);
    }
    return { name: entry.slice(0, at), peerUrl };
  });
  if (members.some((member) => member.name === name)) return members;
  throw new Error(`STORE_INITIAL_CLUSTER has no member ${name}, which is the STORE_NAME of this one`);
}

/** Both or neither, as the pair that they are. @throws Error */
export function peerTls(
  settings: StoreSettings,
): { certificatePem: string; keyPem: string; caPem: string; allowedNames?: readonly string[] } | undefined {
  const { PEER_CERT_FILE: certificatePem, PEER_KEY_FILE: keyPem, PEER_CA_FILE: caPem } = settings;
  if (certificatePem === undefined && keyPem === undefined && caPem === undefined) return undefined;
  if (certificatePem === undefined || keyPem === undefined || caPem === undefined) {
    throw new Error('PEER_CERT_FILE, PEER_KEY_FILE and PEER_CA_FILE belong together: set all of them, or none');
  }
  const { PEER_ALLOWED_NAMES: allowedNames } = settings;
  return { certificatePem, keyPem, caPem, ...(allowedNames === undefined ? {} : { allowedNames }) };
}
