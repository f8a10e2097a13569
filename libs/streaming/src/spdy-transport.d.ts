/** The part of spdy-transport that is used; the package has no types. */
declare module 'spdy-transport' {
  import { type Duplex } from 'node:stream';

  export interface SpdyStream extends Duplex {
    readonly headers: Readonly<Record<string, string>>;
    respond(status: number, headers: Readonly<Record<string, string>>): void;
  }

  export interface SpdyConnection {
    start(version: number): void;
    on(event: 'stream', listener: (stream: SpdyStream) => void): void;
    on(event: 'error' | 'close', listener: (error?: Error) => void): void;
    request(options: object, done: (error: Error | null, stream: Duplex) => void): void;
    end(): void;
    /** Not a public part. */
    readonly _spdyState: {
      readonly parser: { parseKVs: (body: unknown, done: ParsedHeaders) => void };
      /** What new streams begin with. */
      readonly streamWindow: SpdyWindow;
      /** Of the connection. */
      readonly window: SpdyWindow;
    };
  }

  interface SpdyWindow {
    readonly send: { current: number; max: number; limit: number };
  }

  type ParsedHeaders = (error: Error | null, headers?: Readonly<Record<string, string>>) => void;

  export const connection: {
    create(socket: Duplex, options: { readonly protocol: 'spdy'; readonly isServer: boolean }): SpdyConnection;
  };
}
