import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { health, type healthService } from '#etcd';
import { type StreamingMethods, type UnaryMethods } from './served-method';
import { RpcError } from './status';

const { HealthCheckResponse_ServingStatus: ServingStatus } = health;

/** Of the server as a whole, the only one there is. */
const WHOLE = '';

/** gRPC's health protocol: who answers, serves. */
export const healthMethods: UnaryMethods<typeof healthService> = {
  async check({ service }) {
    if (service !== WHOLE) throw new RpcError(status.NOT_FOUND, 'unknown service');
    return { status: ServingStatus.SERVING };
  },
};

export const watchHealthMethods: StreamingMethods<typeof healthService> = {
  async *watch({ service }, { signal }) {
    yield { status: service === WHOLE ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN };
    // Nothing changes before the end.
    if (!signal.aborted) await once(signal, 'abort');
    throw signal.reason as Error;
  },
};
