/** The container runtime interface, with its implementations. See README.md. */
export * from './src/container-runtime';
export { createFakeRuntime, type FakeRuntime, type FakeRuntimeOptions } from './src/fake/fake-runtime';
