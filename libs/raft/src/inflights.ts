/** Appends that are under way to one follower, oldest first. */
export class Inflights {
  private readonly window: { readonly index: number; readonly bytes: number }[] = [];
  private bytes = 0;

  constructor(
    private readonly maxMessages: number,
    private readonly maxBytes: number,
  ) {}

  isFull(): boolean {
    return this.window.length >= this.maxMessages || this.bytes >= this.maxBytes;
  }

  /** `index`: of the last entry of the append. */
  add(index: number, bytes: number): void {
    this.window.push({ index, bytes });
    this.bytes += bytes;
  }

  /** Appends up to `index` have arrived. */
  freeTo(index: number): void {
    let count = 0;
    for (const append of this.window) {
      if (append.index > index) break;
      this.bytes -= append.bytes;
      count++;
    }
    this.window.splice(0, count);
  }

  clear(): void {
    this.window.length = 0;
    this.bytes = 0;
  }
}
