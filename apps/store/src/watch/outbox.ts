import { etcdserverpb } from '#etcd';

/** A client that has this much to read yet is not sent more events… */
const HIGH_WATER_BYTES = 1024 * 1024;
/** …until no more than this is left. */
const LOW_WATER_BYTES = 256 * 1024;

/**
 * What has been written to a stream and not yet taken by the client's flow control. Watches look at `isFull` and stop
 * reading history, which the store keeps anyway, instead of queueing it a second time.
 */
export class Outbox {
  private bytes = 0;
  private full = false;

  constructor(
    private readonly write: (message: Buffer, taken: () => void) => void,
    private readonly onRoom: () => void,
  ) {}

  get isFull(): boolean {
    return this.full;
  }

  send(response: etcdserverpb.WatchResponse): void {
    const encoded = etcdserverpb.WatchResponse.encode(response).finish();
    this.bytes += encoded.length;
    if (this.bytes > HIGH_WATER_BYTES) this.full = true;
    this.write(Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength), () => {
      this.bytes -= encoded.length;
      if (!this.full || this.bytes > LOW_WATER_BYTES) return;
      this.full = false;
      this.onRoom();
    });
  }
}
