/** The container runtime interface, with its implementations. See README.md. */
export * from './src/container-runtime';
export { createDockerRuntime, type DockerRuntime, type DockerRuntimeOptions } from './src/docker/docker-runtime';
export { bridgeName, networkName, type PodNetworkConfig } from './src/docker/network';
export { createFakeRuntime, type FakeRuntime, type FakeRuntimeOptions } from './src/fake/fake-runtime';
export { connectToDocker, type DockerConnection } from './src/docker/connection';
export {
  type ImageProgress,
  ImageStore,
  type ImportOptions,
  type RootFilesystem,
} from './src/native/images/image-store';
export { type ImageConfig } from './src/native/images/image-config';
export { type ImageLimits, type ImageStoreOptions } from './src/native/images/options';
export { type ImageUsage, type Pruned } from './src/native/images/reclaimer';
export { type RegistryConfig } from './src/native/images/registry/endpoints';
export { ensureStoredLocalImages } from './src/native/images/local-images';
export { createNativeRuntime, type NativeRuntime, type NativeRuntimeOptions } from './src/native/native-runtime';
export { type WantedPrograms } from './src/native/oci-runtime/find-programs';
export { nodeAddress, resolverAddress } from './src/native/rootless/addresses';
export { type RootlessNetwork } from './src/native/rootless/host-ports';
export { ensureNodeNetwork } from './src/native/rootless/node-network';
export { NamespaceError, NodeNamespace } from './src/native/rootless/node-namespace';
export { Relay, RelayedPorts } from './src/native/rootless/relay';
export { purgeNative } from './src/native/purge-native';
