import { type FSWatcher, watch } from 'node:fs';
import { type Logger } from '#telemetry';
import { type RuntimeEvent } from '../container-runtime';

interface Listener {
  readonly event: (event: RuntimeEvent) => void;
  readonly resync: () => void;
}

/** Tells what happens to containers: what the runtime does itself, and exits by the files that conmon writes. */
export class EventHub {
  private readonly listeners = new Set<Listener>();
  private watcher: FSWatcher | undefined;

  constructor(private readonly logger: Logger) {}

  /** @param onFile called with the name of each file that may have appeared */
  follow(directory: string, onFile: (name: string) => void): void {
    this.watcher = watch(directory, { persistent: false }, (_, name) => {
      if (name === null) this.resync();
      else onFile(name);
    });
    this.watcher.on('error', (error) => {
      // Callers relist now and then: exits are seen later, not lost.
      this.logger.error({ err: error }, 'exits of containers are not told any more');
      this.resync();
    });
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  emit(type: RuntimeEvent['type'], containerId: string, podUid: string): void {
    for (const { event } of this.listeners) event({ type, containerId, podUid });
  }

  close(): void {
    this.watcher?.close();
    this.listeners.clear();
  }

  private resync(): void {
    for (const { resync } of this.listeners) resync();
  }
}
