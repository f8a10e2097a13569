/** The container runtime interface, with its implementations. */
export * from './src/container-runtime';
