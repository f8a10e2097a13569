/** Builders and fakes for tests. Never imported by production code. */
export {
  type Buildable,
  NodeBuilder,
  ObjectBuilder,
  PodBuilder,
  WorkloadBuilder,
  deployment,
  node,
  pod,
  replicaSet,
  service,
} from './src/builders';
export { FakeClock, settle } from './src/fake-clock';
export { FakeCluster, type Write, apiError } from './src/fake-cluster';
export { Random, seededRandom } from './src/random';
export { type ReconcilerRun, startReconciler } from './src/run-reconciler';
