/** Bytes that may be on their way to the slower side before the faster one is not read any more. */
const backlogBytes = 1024 * 1024;

export interface Source {
  pause(): void;
  resume(): void;
}

/** Holds a source back while too much of what it gave is still on its way. */
export class Throttle {
  private pending = 0;
  private isHeld = false;

  constructor(private readonly source: Source) {}

  /** Returns what is to be called, once, when these bytes have left. */
  passing(bytes: number): () => void {
    this.pending += bytes;
    if (!this.isHeld && this.pending > backlogBytes) {
      this.isHeld = true;
      this.source.pause();
    }
    return () => {
      this.pending -= bytes;
      if (!this.isHeld || this.pending > backlogBytes / 2) return;
      this.isHeld = false;
      this.source.resume();
    };
  }
}
