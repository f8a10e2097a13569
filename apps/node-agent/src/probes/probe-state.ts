import { type Probe } from '#api';
import { type DeepReadonly } from '#machinery';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export interface ProbeResult {
  /** `unknown`: the probe itself could not be run; it counts neither way. */
  readonly outcome: 'success' | 'failure' | 'unknown';
  readonly message: string;
}

/** Before the first probe: alive, not ready, not started. */
export const initialOutcome: Readonly<Record<ProbeKind, boolean>> = {
  startup: false,
  liveness: true,
  readiness: false,
};

export interface ProbeSettings {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export function settingsOf(probe: DeepReadonly<Probe>): ProbeSettings {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: (probe.periodSeconds ?? 10) * 1000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
  };
}

/** How many equal results in a row it takes to change a verdict. */
export class ProbeState {
  private last: 'success' | 'failure' | undefined;
  private run = 0;

  constructor(
    private readonly thresholds: Pick<ProbeSettings, 'successThreshold' | 'failureThreshold'>,
    private isGood: boolean,
  ) {}

  get verdict(): boolean {
    return this.isGood;
  }

  /** @returns the verdict that a threshold was reached for; undefined: not yet */
  add(outcome: 'success' | 'failure'): boolean | undefined {
    this.run = this.last === outcome ? this.run + 1 : 1;
    this.last = outcome;
    const { successThreshold, failureThreshold } = this.thresholds;
    if (this.run < (outcome === 'success' ? successThreshold : failureThreshold)) return undefined;
    this.isGood = outcome === 'success';
    return this.isGood;
  }
}
