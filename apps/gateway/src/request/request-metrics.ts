import { type ApiRequest } from './api-request';

/** Counts requests and how long they take. */
export interface RequestObserver {
  /** Call at the start; call the result once at the end. */
  begin(): (request: ApiRequest | undefined, method: string, code: number) => void;
}
