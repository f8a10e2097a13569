import { type etcdserverpb, leaseService } from '#etcd';
import { type Clock } from '#machinery';
import { storeErrors } from '../src/errors';
import { type Connection } from './connection';

/** One renewal, on a stream of its own: etcd has no other way. */
export function keepAlive(
  connection: Connection,
  clock: Clock,
  id: bigint,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<etcdserverpb.LeaseKeepAliveResponse> {
  const stream = connection.stream(leaseService.leaseKeepAlive);
  const cancel = (): void => stream.cancel();
  const timer = clock.setTimer(timeoutMs, cancel);
  signal.addEventListener('abort', cancel, { once: true });
  return new Promise<etcdserverpb.LeaseKeepAliveResponse>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', resolve);
    stream.on('end', () => reject(storeErrors.timedOut()));
    stream.write({ ID: id });
  }).finally(() => {
    timer.cancel();
    signal.removeEventListener('abort', cancel);
    stream.cancel();
  });
}
