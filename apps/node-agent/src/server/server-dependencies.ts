import { type ServerResponse } from 'node:http';
import { type WebSocket } from 'ws';
import { type Clock } from '#machinery';
import { type ContainerRuntime } from '#runtime';
import { type Logger, type Registry } from '#telemetry';
import { type PodManager } from '../worker/pod-manager';

export interface ServerDependencies {
  readonly nodeName: string;
  readonly runtime: ContainerRuntime;
  readonly manager: PodManager;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: Registry;
}

export type Parameters = Readonly<Record<string, string>>;

export interface PlainRequest {
  readonly parameters: Parameters;
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
  readonly dependencies: ServerDependencies;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}

export interface StreamRequest {
  readonly parameters: Parameters;
  readonly query: URLSearchParams;
  readonly dependencies: ServerDependencies;
}

/**
 * Checks the request, then serves the connection. `gone` aborts when the client's connection has closed: a WebSocket tells that only when everything
 * received has been read, which a stalled stream never does.
 */
export type StreamHandler = (request: StreamRequest) => (socket: WebSocket, gone: AbortSignal) => Promise<void>;
