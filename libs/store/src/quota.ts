import { type Command } from './command';
import { type RequestOp } from './key-value-store';

/** etcd's `--quota-backend-bytes` where it is not set. */
export const DEFAULT_QUOTA_BYTES = 2 * 1024 ** 3;

/** What etcd adds for a key's and a lease's own keeping. */
const KEY_OVERHEAD_BYTES = 256;
const LEASE_OVERHEAD_BYTES = 64;

/** Bytes by which the state may grow when the command is applied. 0: it does not. */
export function growthOf(command: Command): number {
  switch (command.type) {
    case 'put':
      return growthOfPut(command);
    case 'txn':
      return growthOfTxn(command);
    case 'lease-grant':
      return LEASE_OVERHEAD_BYTES;
    default:
      return 0;
  }
}

function growthOfPut({ request: { key, value } }: RequestOp & { type: 'put' }): number {
  return KEY_OVERHEAD_BYTES + key.length + value.length;
}

/** The larger of the branches, since which one is taken is not known yet. */
function growthOfTxn({ request: { success, failure = [] } }: RequestOp & { type: 'txn' }): number {
  return Math.max(growthOfBranch(success), growthOfBranch(failure));
}

function growthOfBranch(operations: readonly RequestOp[]): number {
  let growth = 0;
  for (const operation of operations) {
    if (operation.type === 'put') growth += growthOfPut(operation);
    else if (operation.type === 'txn') growth += growthOfTxn(operation);
  }
  return growth;
}
