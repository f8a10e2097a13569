import { type resources } from '#api';
import { type Clock } from '#machinery';
import { type ObjectRef } from './object-ref';

/**
 * What crosses from the test to the cluster and back. Answers are JSON (of an `Outcome`) and the test makes objects of it: a test runner may
 * give the test built-in classes of its own, and an object of another `Object` is not strictly equal to one of the test's.
 */
export interface Host {
  readonly server: string;
  readonly kubeconfig: string;
  readonly nodes: readonly string[];
  readonly clock: Clock;
  /** Calls a method of the administrator's `ObjectClient`. */
  call(method: string, args: readonly unknown[]): Promise<string>;
  /** Applies what a text says, or objects. */
  apply(manifests: unknown): Promise<string>;
  /** @param condition a predicate gets JSON */
  waitFor(
    ref: ObjectRef,
    condition: string | ((json: string) => boolean),
    options: { readonly namespace?: string; readonly timeoutMs?: number },
  ): Promise<string>;
  advance(duration: number | string): Promise<string>;
  /** The path of a file with the kubeconfig, which `stop` removes. */
  writeKubeconfig(): Promise<string>;
  stopNode(name: string): Promise<string>;
  stop(): Promise<string>;
}

export interface HostOptions {
  readonly nodes: number;
}

export interface HostModule {
  startHost(options: HostOptions): Promise<Host>;
  readonly resources: typeof resources;
}

/** Exactly one of `status` (of an `ApiError`), `error` (of any other) and, if there is one, `value`. */
export interface Outcome {
  readonly value?: unknown;
  readonly status?: unknown;
  readonly error?: string;
}
