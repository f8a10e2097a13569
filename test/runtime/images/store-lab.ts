import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '#machinery';
import { withHostMutex } from '#process';
import { ImageStore, type ImageStoreOptions } from '#runtime';
import { silentLogger } from '#telemetry';

/** After a minute without progress a pull ends; the only timer that a test wants to hold. */
const stallMs = 60_000;

/** Time in which nobody waits, but for a stall, which comes when it is told to. */
export class HurriedClock implements Clock {
  readonly waits: number[] = [];
  private readonly stalls = new Set<() => void>();
  /** Added to the time, for ages. */
  ahead = 0;

  now(): number {
    return systemClock.now() + this.ahead;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  setTimer(ms: number, callback: () => void) {
    if (ms === stallMs) {
      this.stalls.add(callback);
      return { cancel: () => this.stalls.delete(callback) };
    }
    this.waits.push(ms);
    return systemClock.setTimer(0, callback);
  }

  get isWatching(): boolean {
    return this.stalls.size > 0;
  }

  stall(): void {
    for (const callback of this.stalls) callback();
  }
}

/** A store in a directory of its own. */
export class StoreLab {
  readonly home = mkdtempSync(join(tmpdir(), 'nestor-images-'));
  readonly directory = join(this.home, 'images');
  readonly clock = new HurriedClock();
  private readonly stores: ImageStore[] = [];
  private readonly mounts: string[] = [];

  async open(options: Partial<ImageStoreOptions> = {}): Promise<ImageStore> {
    const store = await ImageStore.open({
      directory: this.directory,
      clock: this.clock,
      random: Math.random,
      logger: silentLogger(),
      mutex: withHostMutex,
      isDurable: false,
      platform: { os: 'linux', architecture: 'amd64' },
      ...options,
    });
    this.stores.push(store);
    return store;
  }

  /** The layers as a container would see them. */
  mount(layers: readonly string[]): string {
    const target = join(this.home, `mount-${this.mounts.length}`);
    mkdirSync(target);
    const lower = [...layers].reverse().join(':');
    const empty = join(this.home, 'empty');
    mkdirSync(empty, { recursive: true });
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${lower}:${empty}`, target]);
    this.mounts.push(target);
    return target;
  }

  /** What is in the store's folders. */
  files(folder: string): string[] {
    return readdirSync(join(this.directory, folder));
  }

  async remove(): Promise<void> {
    for (const store of this.stores) await store.close();
    for (const target of this.mounts) execFileSync('umount', [target]);
    rmSync(this.home, { recursive: true, force: true });
  }
}
