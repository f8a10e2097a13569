/** Builders and fakes for tests. Never imported by production code. */
export { FakeClock, settle } from './src/fake-clock';
