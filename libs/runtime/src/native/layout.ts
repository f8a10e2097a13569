import path from 'node:path';

/** Where a runtime keeps what. Everything is below one directory, mode 0700. */
export class Layout {
  /** Our own launcher and supervisor. */
  readonly programs: string;
  /** Exit codes, one file each, by the container's id: supervisors write them. */
  readonly exits: string;
  readonly containers: string;
  readonly sandboxes: string;
  /** The root file system of all pause processes. */
  readonly pause: string;

  constructor(readonly root: string) {
    this.programs = path.join(root, 'programs');
    this.exits = path.join(root, 'exits');
    this.containers = path.join(root, 'containers');
    this.sandboxes = path.join(root, 'sandboxes');
    this.pause = path.join(root, 'pause');
  }

  /** What a program that makes containers knows of them. */
  runtimeState(name: string): string {
    return path.join(this.root, name);
  }

  sandbox(id: string): string {
    return path.join(this.sandboxes, id);
  }

  /** Memory that a pod's containers share. */
  shm(sandboxId: string): string {
    return path.join(this.sandbox(sandboxId), 'shm');
  }

  container(id: string): string {
    return path.join(this.containers, id);
  }

  rootfs(id: string): string {
    return path.join(this.container(id), 'rootfs');
  }

  log(id: string): string {
    return path.join(this.container(id), 'log');
  }

  exit(id: string): string {
    return path.join(this.exits, id);
  }
}
