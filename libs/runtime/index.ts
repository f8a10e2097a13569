/** The container runtime interface, with its implementations. See README.md. */
export * from './src/container-runtime';
export { createDockerRuntime, type DockerRuntime, type DockerRuntimeOptions } from './src/docker/docker-runtime';
export { bridgeName, networkName, type PodNetworkConfig } from './src/docker/network';
export { createFakeRuntime, type FakeRuntime, type FakeRuntimeOptions } from './src/fake/fake-runtime';
export { connectToDocker, type DockerConnection } from './src/docker/connection';
