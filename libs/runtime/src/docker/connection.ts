import { ensureLocalImages, type LocalImageProgress } from '../local-image';
import { Engine } from './engine';
import { purgeCluster, removeLocalImages } from './purge-cluster';

/** What is done with an engine outside any node. Rejects with `RuntimeError`: `unavailable` when the engine does not answer. */
export interface DockerConnection {
  /** The engine's version. */
  version(): Promise<string>;
  /** Makes the images of `nestor.local/` unless they are there. */
  ensureLocalImages(progress?: LocalImageProgress): Promise<void>;
  /** Removes a cluster's containers and networks. Safe to repeat. */
  purgeCluster(cluster: string): Promise<void>;
  /** Removes the images of `nestor.local/`, unless some cluster still has containers. A running cluster makes them again when it needs them. */
  removeLocalImages(): Promise<void>;
  close(): void;
}

/** Nothing happens until the first call. Without a path: `DOCKER_HOST` if that is a socket, else `/var/run/docker.sock`. */
export function connectToDocker(socketPath?: string): DockerConnection {
  const engine = new Engine(socketPath);
  return {
    version: async () => (await engine.call((docker) => docker.version())).Version,
    ensureLocalImages: (progress) => engine.call((docker) => ensureLocalImages(docker, progress), 'create-failed'),
    purgeCluster: (cluster) => engine.call((docker) => purgeCluster(docker, cluster), 'create-failed'),
    removeLocalImages: () => engine.call((docker) => removeLocalImages(docker), 'create-failed'),
    close: () => engine.close(),
  };
}
