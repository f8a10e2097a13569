/** How much of unfinished requests one connection may leave here: many streams with a part of a message each are a lot of memory. */
export class BodyBudget {
  private taken = 0;

  constructor(private readonly maxBytes: number) {}

  /** @returns false: that is too much, and nothing was taken */
  take(bytes: number): boolean {
    if (this.taken + bytes > this.maxBytes) return false;
    this.taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.taken -= bytes;
  }
}
