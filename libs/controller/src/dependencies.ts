import { type ObjectClient } from '#client';
import { type Clock } from '#machinery';
import { type Logger, type Registry } from '#telemetry';
import { type EventRecorder } from './event-recorder';
import { type InformerFactory } from './informer';
import { type LeaderElector } from './leader-elector';

/** What every controller app receives from whoever starts it (`main.ts` or the composition root). */
export interface ControllerDependencies {
  /** With the identity of this controller. */
  readonly client: ObjectClient;
  /** In one process shared by all controllers. */
  readonly informers: InformerFactory;
  readonly elector: LeaderElector;
  /** @param component the `source.component` of events, e.g. `deployment-controller` */
  recorder(component: string): EventRecorder;
  readonly clock: Clock;
  /** 0 ≤ x < 1; for jitter and names. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Registry;
}
