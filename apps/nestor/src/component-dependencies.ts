import {
  alwaysLeader,
  type ControllerDependencies,
  createEventRecorder,
  type EventRecorder,
  type InformerFactory,
} from '#controller';
import { type Clock } from '#machinery';
import { type Logger, Registry } from '#telemetry';
import { type ClientFactory, users } from './identities';

/** Makes what each component is given: a client with its own identity, a recorder, a registry, the shared informers. */
export class ComponentDependencies {
  private readonly recorders = new Map<string, EventRecorder & { stop(): Promise<void> }>();

  constructor(
    private readonly clients: ClientFactory,
    private readonly informers: InformerFactory,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly logger: Logger,
  ) {}

  /** For a controller with a service account of its own name. */
  forController(name: string): ControllerDependencies {
    return this.as(users.controller(name), 'kube-controller-manager');
  }

  as(user: string, agent: string): ControllerDependencies {
    const { informers, clock, random, logger } = this;
    return {
      client: this.clients.as(user, agent),
      informers,
      // One process, one data directory, one holder of its lock.
      elector: alwaysLeader(),
      recorder: (component) => this.recorder(user, agent, component),
      clock,
      random,
      logger,
      metrics: new Registry(),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.recorders.values()].map((recorder) => recorder.stop()));
  }

  private recorder(user: string, agent: string, component: string): EventRecorder {
    const key = `${user} ${component}`;
    let recorder = this.recorders.get(key);
    if (recorder === undefined) {
      const { clock, random, logger } = this;
      recorder = createEventRecorder({ client: this.clients.as(user, agent), component, clock, random, logger });
      this.recorders.set(key, recorder);
    }
    return recorder;
  }
}
