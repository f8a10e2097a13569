import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { failureOf } from './status';

const failure = (code: status, details: string): ReturnType<typeof failureOf> =>
  failureOf(Object.assign(new Error(details), { code, details, metadata: new Metadata() }) satisfies ServiceError);

it.each([
  // What is refused for good…
  [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted', 'compacted', false, true],
  [status.INVALID_ARGUMENT, 'etcdserver: request is too large', 'request-too-large', false, true],
  [status.INVALID_ARGUMENT, 'something new', 'invalid-argument', false, true],
  [status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded', 'no-space', false, true],
  [status.RESOURCE_EXHAUSTED, 'grpc: received message larger than max (3 vs. 2)', 'request-too-large', false, true],
  // …for now, before anything was done…
  [status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests', 'unavailable', true, true],
  // …and what may have been done or not.
  [status.UNAVAILABLE, 'etcdserver: request timed out', 'unavailable', true, false],
  [status.UNAVAILABLE, 'etcdserver: server stopped', 'unavailable', true, false],
  [status.UNAVAILABLE, 'Connection dropped', 'unavailable', true, false],
  [status.CANCELLED, 'Cancelled on client', 'unavailable', true, false],
  [status.INTERNAL, 'Received RST_STREAM', 'unavailable', true, false],
] as const)('%s %s', (code, details, expected, isTransient, isRefusal) => {
  expect(failure(code, details)).toMatchObject({ error: { code: expected }, isTransient, isRefusal });
});
