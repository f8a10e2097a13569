import { type Deployment, resources } from '#api';
import { type ObjectClient } from '#client';
import { delay, hasReason, systemClock } from '#machinery';
import { ImpatientError, patiently } from './patient-client';

const namespace = 'default';
const PAUSE_MS = 100;
const LARGEST = 6;

export interface LoadReport {
  /** Requests that were answered. */
  answered: number;
  /** Of those, after more than one attempt. */
  retried: number;
  /** Requests that failed for a client that was patient. */
  readonly failures: string[];
  /** ConfigMaps whose creation was acknowledged. */
  readonly written: string[];
}

/** A Deployment of pods that end at once when they are told to. */
export function deploymentOf(name: string, replicas: number): Deployment {
  const labels = { app: name };
  const container = { name: 'web', image: 'web:1' };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } };
  return { metadata: { namespace, name }, spec: { replicas, selector: { matchLabels: labels }, template } };
}

/** Scales Deployments, deletes pods, writes and reads, one request after the other, until it is stopped. */
export class ClusterLoad {
  readonly report: LoadReport = { answered: 0, retried: 0, failures: [], written: [] };
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  /** @param prefix of what it writes */
  constructor(
    private readonly api: ObjectClient,
    private readonly deployments: readonly string[],
    private readonly random: () => number,
    private readonly prefix: string,
  ) {
    this.running = this.run();
  }

  /** Resolves with what happened; rejects if something threw that is no answer. */
  async stop(): Promise<LoadReport> {
    this.stopping.abort();
    await this.running;
    return this.report;
  }

  private async run(): Promise<void> {
    const acts = [() => this.scale(), () => this.deletePod(), () => this.write(), () => this.write()];
    for (let turn = 0; !this.stopping.signal.aborted; turn++) {
      await acts[turn % acts.length]?.();
      await delay(systemClock, PAUSE_MS, this.stopping.signal).catch(() => undefined);
    }
  }

  private async scale(): Promise<void> {
    const name = this.deployments[Math.floor(this.random() * this.deployments.length)] ?? '';
    const spec = { replicas: 1 + Math.floor(this.random() * LARGEST) };
    await this.ask(`scale ${name}`, () =>
      this.api.patch(resources.deployments, { namespace, name }, 'merge', { spec }),
    );
  }

  private async deletePod(): Promise<void> {
    const pods = await this.ask('list pods', () => this.api.list(resources.pods, { namespace }));
    const pod = pods?.items[Math.floor(this.random() * pods.items.length)];
    if (pod === undefined) return;
    const name = pod.metadata?.name ?? '';
    await this.ask(`delete pod ${name}`, () =>
      this.api.delete(resources.pods, { namespace, name }).catch((error: unknown) => {
        // Somebody was faster, or an attempt without an answer has done it.
        if (!hasReason(error, 'NotFound')) throw error;
      }),
    );
  }

  private async write(): Promise<void> {
    const name = `${this.prefix}-${this.report.written.length}-${this.report.failures.length}`;
    const isWritten = await this.ask(`create configmap ${name}`, async (tries) => {
      try {
        await this.api.create(resources.configMaps, { metadata: { namespace, name } });
      } catch (error) {
        if (tries === 0 || !hasReason(error, 'AlreadyExists')) throw error;
      }
      return true;
    });
    if (isWritten === true) this.report.written.push(name);
  }

  private async ask<T>(what: string, attempt: (tries: number) => Promise<T>): Promise<T | undefined> {
    let attempts = 0;
    try {
      const answer = await patiently(what, (tries) => {
        attempts++;
        return attempt(tries);
      });
      this.report.answered++;
      if (attempts > 1) this.report.retried++;
      return answer;
    } catch (error) {
      if (!(error instanceof ImpatientError)) throw error;
      this.report.failures.push(error.message);
      return undefined;
    }
  }
}
