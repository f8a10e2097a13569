import { type ContainerStatus as ApiContainerStatus, type Probe } from '#api';
import { type Clock, type DeepReadonly, type Timer } from '#machinery';
import { type ContainerRuntime } from '#runtime';
import { type ContainerHealth } from '../pods/pod-view';
import { initialOutcome, type ProbeKind, type ProbeSettings, ProbeState, settingsOf } from './probe-state';
import { runProbe, type ProbeTarget } from './prober';

export interface ProbedContainer extends ProbeTarget {
  readonly podUid: string;
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  /** Its last known status: a restarted agent does not take readiness away before it has looked. */
  readonly previous?: DeepReadonly<ApiContainerStatus>;
  /** A verdict changed. */
  onChange(): void;
  onUnhealthy(message: string): void;
}

export interface ProbeManagerOptions {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly random: () => number;
  /** False: pods are simulated and cannot be probed over the network; every probe succeeds. */
  readonly reachesPods: boolean;
}

interface Probing {
  readonly kind: ProbeKind;
  readonly probe: DeepReadonly<Probe>;
  readonly settings: ProbeSettings;
  readonly state: ProbeState;
  timer?: Timer;
  /** A verdict that restarts the container is final for it. */
  isOver: boolean;
}

interface Tracked {
  readonly container: ProbedContainer;
  readonly probes: Map<ProbeKind, Probing>;
}

const kinds: readonly ProbeKind[] = ['startup', 'liveness', 'readiness'];
const names: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };

/** Probes running containers. One timer a probe, none for containers without. Liveness and readiness wait for the startup probe. */
export class ProbeManager {
  private readonly tracked = new Map<string, Tracked>();

  constructor(private readonly options: ProbeManagerOptions) {}

  /** Starts probing a running container; does nothing if it is probed already. */
  track(container: ProbedContainer): void {
    const { containerId, container: spec, previous } = container;
    if (this.tracked.has(containerId)) return;
    const given = { startup: spec.startupProbe, liveness: spec.livenessProbe, readiness: spec.readinessProbe };
    const isKnown = previous?.containerID?.endsWith(containerId) === true;
    const known: Record<ProbeKind, boolean> = {
      startup: isKnown && previous.started === true,
      liveness: true,
      readiness: isKnown && previous.ready,
    };
    const tracked: Tracked = { container, probes: new Map() };
    this.tracked.set(containerId, tracked);
    for (const kind of kinds) {
      const probe = given[kind];
      if (probe === undefined || !this.options.reachesPods) continue;
      const settings = settingsOf(probe);
      const state = new ProbeState(settings, initialOutcome[kind] || known[kind]);
      const probing: Probing = { kind, probe, settings, state, isOver: kind === 'startup' && known.startup };
      tracked.probes.set(kind, probing);
    }
    for (const probing of tracked.probes.values()) {
      if (probing.isOver) continue;
      const age = this.options.clock.now() - container.startedAt;
      // Containers that were found running are spread out, so that a restarted agent does not probe all at once.
      const spread = isKnown ? this.options.random() * probing.settings.periodMs : 0;
      this.schedule(tracked, probing, Math.max(0, probing.settings.initialDelayMs - age) + spread);
    }
  }

  /** What is known of a running container; `isStarted` does not count its postStart hook. */
  health(containerId: string): ContainerHealth {
    const tracked = this.tracked.get(containerId);
    if (tracked === undefined) return { isStarted: false, isReady: false };
    const verdict = (kind: ProbeKind): boolean => tracked.probes.get(kind)?.state.verdict ?? true;
    const startup = tracked.probes.get('startup');
    const isStarted = verdict('startup');
    const failedProbe =
      startup?.isOver === true && !isStarted ? 'startup' : verdict('liveness') ? undefined : 'liveness';
    return {
      isStarted,
      isReady: isStarted && verdict('readiness'),
      ...(failedProbe === undefined ? {} : { failedProbe }),
    };
  }

  untrack(containerId: string): void {
    for (const { timer } of this.tracked.get(containerId)?.probes.values() ?? []) timer?.cancel();
    this.tracked.delete(containerId);
  }

  /** The pod is going down: only readiness still matters. */
  stopLiveness(podUid: string): void {
    for (const { container, probes } of this.tracked.values()) {
      if (container.podUid !== podUid) continue;
      for (const kind of ['startup', 'liveness'] as const) {
        probes.get(kind)?.timer?.cancel();
        probes.delete(kind);
      }
    }
  }

  stop(): void {
    for (const id of [...this.tracked.keys()]) this.untrack(id);
  }

  private schedule(tracked: Tracked, probing: Probing, delayMs: number): void {
    probing.timer = this.options.clock.setTimer(delayMs, () => {
      void this.probe(tracked, probing);
    });
  }

  private async probe(tracked: Tracked, probing: Probing): Promise<void> {
    const { container, probes } = tracked;
    const { kind, probe, settings, state } = probing;
    const isCurrent = (): boolean =>
      this.tracked.get(container.containerId) === tracked && probes.get(kind) === probing;
    const startup = probes.get('startup');
    if (kind !== 'startup' && startup !== undefined && !startup.state.verdict) {
      return this.schedule(tracked, probing, settings.periodMs);
    }
    const startedAt = this.options.clock.monotonic();
    const { outcome, message } = await runProbe(this.options.runtime, probe, container, settings.timeoutMs);
    if (!isCurrent()) return;
    if (outcome === 'unknown')
      container.onUnhealthy(`${names[kind]} probe errored and resulted in unknown state: ${message}`);
    if (outcome === 'failure') container.onUnhealthy(`${names[kind]} probe failed: ${message}`);
    if (outcome !== 'unknown') {
      const before = state.verdict;
      const verdict = state.add(outcome);
      const isFinal = verdict !== undefined && (kind === 'startup' || (kind === 'liveness' && !verdict));
      if (isFinal) probing.isOver = true;
      if (verdict !== undefined && (verdict !== before || isFinal)) {
        if (kind === 'startup' && verdict) this.afterStartup(tracked);
        container.onChange();
      }
    }
    if (probing.isOver) return;
    const elapsed = this.options.clock.monotonic() - startedAt;
    this.schedule(tracked, probing, Math.max(0, settings.periodMs - elapsed));
  }

  /** Started: look at once whether it is ready, rather than a period later. */
  private afterStartup(tracked: Tracked): void {
    for (const kind of ['liveness', 'readiness'] as const) {
      const probing = tracked.probes.get(kind);
      if (probing === undefined) continue;
      probing.timer?.cancel();
      this.schedule(tracked, probing, 0);
    }
  }
}
