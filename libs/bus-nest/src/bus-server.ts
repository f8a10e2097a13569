import { type CustomTransportStrategy, BaseRpcContext, Server } from '@nestjs/microservices';
import { type Observable, lastValueFrom } from 'rxjs';
import { type Bus, type BusSubscription, type Message, type Payload } from '#bus';

/**
 * Nest's view of a bus, receiving side: `@MessagePattern('subject')` answers requests, shared by all processes that name the same
 * queue; `@EventPattern('subject')` hears what is published. An exception goes to the caller, or to Nest's log, never further.
 */
export class BusServer extends Server implements CustomTransportStrategy {
  private readonly subscriptions: BusSubscription[] = [];

  /** The bus belongs to the caller: `close` ends the subscriptions only. */
  constructor(
    private readonly bus: Bus,
    private readonly queue: string,
  ) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    for (const [subject, handler] of this.messageHandlers) {
      this.subscriptions.push(
        handler.isEventHandler === true
          ? this.bus.subscribe(subject, async (message) => {
              await this.handleEvent(subject, { pattern: subject, data: message.payload }, contextOf(message));
            })
          : this.bus.serve(subject, this.queue, async (message) => {
              const result: unknown = await handler(message.payload, contextOf(message));
              const stream = this.transformToObservable(result) as Observable<Payload | undefined>;
              const value = await lastValueFrom(stream, { defaultValue: undefined });
              return value ?? null;
            }),
      );
    }
    callback();
  }

  close(): void {
    for (const subscription of this.subscriptions.splice(0)) subscription.close();
  }

  /** A bus has no events of its own. */
  on(): void {}

  unwrap<T>(): T {
    return this.bus as T;
  }
}

function contextOf({ subject }: Message): BaseRpcContext {
  return new BaseRpcContext([subject]);
}
