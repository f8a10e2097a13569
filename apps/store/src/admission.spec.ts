import { etcdserverpb, kvService, maintenanceService, watchService } from '#etcd';
import { FakeClock } from '#testing';
import { Admission } from './admission';

const range = (serializable: boolean) => etcdserverpb.RangeRequest.create({ serializable });
const told = (standing: { hasLeader: boolean; isLearner: boolean }, path: string, request?: unknown, insists = false) =>
  new Admission(new FakeClock(), () => standing).refusal(path, request, insists)?.message;

it.each([
  [kvService.range.path, range(true), undefined],
  [kvService.range.path, range(false), 'etcdserver: rpc not supported for learner'],
  [kvService.put.path, {}, 'etcdserver: rpc not supported for learner'],
  [watchService.watch.path, undefined, 'etcdserver: rpc not supported for learner'],
  [maintenanceService.status.path, {}, undefined],
  [maintenanceService.snapshot.path, {}, undefined],
])('lets a learner answer as little as etcd: %s', (path, request, refusal) => {
  expect(told({ hasLeader: true, isLearner: true }, path, request)).toBe(refusal);
  expect(told({ hasLeader: true, isLearner: false }, path, request)).toBeUndefined();
});

it('refuses those alone who insist on a leader when there is none', () => {
  const alone = { hasLeader: false, isLearner: false };
  expect(told(alone, kvService.range.path, range(true), true)).toBe('etcdserver: no leader');
  expect(told(alone, kvService.range.path, range(true))).toBeUndefined();
  expect(told({ ...alone, hasLeader: true }, kvService.range.path, range(true), true)).toBeUndefined();
});
