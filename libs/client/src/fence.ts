import { type ObjectKey } from '#machinery';

/**
 * The term of a leader, as its lease has it. A write that carries one is carried out only as long as the lease still has this holder
 * and this number of transitions: what a former leader sends late is refused with Conflict, also when it was on its way for minutes
 * (Kleppmann, "How to do distributed locking", 2016: fencing tokens).
 */
export interface Fence {
  readonly lease: ObjectKey;
  /** `spec.holderIdentity` */
  readonly holder: string;
  /** `spec.leaseTransitions` */
  readonly transitions: number;
}

/** The HTTP header that carries a fence. Over the bus it is a field of the message. */
export const fenceHeader = 'nestor-fence';

/** `kube-system/scheduler;transitions=3;holder=host_uuid`; names are percent-encoded. */
export function formatFence({ lease, holder, transitions }: Fence): string {
  const name = `${encodeURIComponent(lease.namespace)}/${encodeURIComponent(lease.name)}`;
  return `${name};transitions=${transitions};holder=${encodeURIComponent(holder)}`;
}

/** The inverse of `formatFence`; undefined for anything else. */
export function parseFence(text: string): Fence | undefined {
  const match = /^([^/;]+)\/([^/;]+);transitions=(\d{1,15});holder=([^/;]+)$/.exec(text);
  if (match === null) return undefined;
  try {
    const [namespace = '', name = '', holder = ''] = [match[1], match[2], match[4]].map((part = '') =>
      decodeURIComponent(part),
    );
    return { lease: { namespace, name }, holder, transitions: Number(match[3]) };
  } catch {
    // Percent signs that encode nothing.
    return undefined;
  }
}
