/** A started component. */
export interface RunningComponent {
  readonly name: string;
  /**
   * Stops taking work, finishes what is in flight (each component bounds how long), and releases every timer, socket
   * and process. Idempotent; rejects only if something could not be released.
   */
  stop(): Promise<void>;
  /** There is nothing that it works on, or that waits for anything but time. Absent: it cannot tell. */
  isIdle?(): boolean;
}
