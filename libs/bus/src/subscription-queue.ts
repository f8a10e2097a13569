import { type Logger } from '#telemetry';
import { type Message, type SubscribeOptions } from './bus';

const defaultLimit = 10_000;

/**
 * Messages on their way to one handler: in order, one at a time, at most `queueLimit`. When it overflows, messages are dropped
 * until there is room, and `onGap` is called once for them.
 */
export class SubscriptionQueue {
  private readonly messages: Message[] = [];
  private head = 0;
  private isDraining = false;
  private isOverflowing = false;
  private isClosed = false;

  constructor(
    private readonly handler: (message: Message) => void | Promise<void>,
    private readonly options: SubscribeOptions,
    private readonly logger: Logger,
  ) {}

  push(message: Message): void {
    if (this.isClosed) return;
    if (this.messages.length - this.head >= (this.options.queueLimit ?? defaultLimit)) {
      if (!this.isOverflowing) {
        this.isOverflowing = true;
        this.gap();
      }
      return;
    }
    this.isOverflowing = false;
    this.messages.push(message);
    if (!this.isDraining) {
      this.isDraining = true;
      queueMicrotask(() => void this.drain());
    }
  }

  /** Messages may have been lost before they came here. */
  gap(): void {
    if (this.isClosed) return;
    try {
      this.options.onGap?.();
    } catch (error) {
      this.logger.error({ err: error }, 'gap handler failed');
    }
  }

  close(): void {
    this.isClosed = true;
    this.messages.length = this.head = 0;
  }

  private async drain(): Promise<void> {
    while (this.head < this.messages.length) {
      const message = this.messages[this.head++]!;
      if (this.head === this.messages.length || this.head >= 1024) {
        this.messages.splice(0, this.head);
        this.head = 0;
      }
      try {
        const pending = this.handler(message);
        if (pending !== undefined) await pending;
      } catch (error) {
        this.logger.error({ err: error, subject: message.subject }, 'message handler failed');
      }
    }
    this.isDraining = false;
  }
}
