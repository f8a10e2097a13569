import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { type Bus, type Payload } from '#bus';

/** Nest's view of a bus, sending side: `send` is a request with a deadline, `emit` publishes. Patterns are subjects. */
export class BusClientProxy extends ClientProxy {
  /** The bus belongs to the caller. */
  constructor(
    private readonly bus: Bus,
    private readonly deadlineMs: number,
  ) {
    super();
  }

  connect(): Promise<Bus> {
    return Promise.resolve(this.bus);
  }

  close(): void {}

  unwrap<T>(): T {
    return this.bus as T;
  }

  protected publish(packet: ReadPacket<Payload>, callback: (packet: WritePacket) => void): () => void {
    const controller = new AbortController();
    const subject = this.normalizePattern(packet.pattern as string);
    this.bus.request(subject, packet.data, { deadlineMs: this.deadlineMs, signal: controller.signal }).then(
      (response) => callback({ response, isDisposed: true }),
      (err: unknown) => {
        if (!controller.signal.aborted) callback({ err, isDisposed: true });
      },
    );
    return () => controller.abort(new Error('unsubscribed'));
  }

  protected async dispatchEvent<T>(packet: ReadPacket<Payload>): Promise<T> {
    this.bus.publish(this.normalizePattern(packet.pattern as string), packet.data);
    return undefined as T;
  }
}
