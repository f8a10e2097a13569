import { type IncomingHttpHeaders } from 'node:http';
import { type Readable } from 'node:stream';
import { type Fence } from '#client';
import { type UserInfo } from '../kinds/strategy';

/** One request, whatever transport it came by. */
export interface ApiRequest {
  readonly method: string;
  /** Decoded path, without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** A header by its name in lower case. */
  header(name: string): string | undefined;
  readonly body: RequestBody;
  readonly user: UserInfo;
  /** A leader's term: writes of this request are carried out only while it lasts. */
  readonly fence?: Fence;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal;
  /** Where it came by HTTP: as it came, to be passed on. */
  readonly wire?: WireRequest;
}

export interface WireRequest {
  readonly headers: IncomingHttpHeaders;
  /** As sent, without the question mark; '' if there is none. */
  readonly query: string;
  /** The other end of the connection. */
  readonly remoteAddress: string | undefined;
  /** To be read by one, here or by `ApiRequest.body`. */
  readonly body: Readable;
}

/** The body: bytes from the network, or, in process, a value that nobody may change. */
export interface RequestBody {
  /** @returns undefined if the body is empty. Rejects with RequestEntityTooLarge past 3 MiB. */
  bytes(): Promise<Buffer | undefined>;
  /** Set instead of bytes where caller and gateway share a process. */
  readonly value?: object;
}

export const noBody: RequestBody = { bytes: () => Promise.resolve(undefined) };
