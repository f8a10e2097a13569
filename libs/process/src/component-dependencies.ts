import {
  type ControllerDependencies,
  createEventRecorder,
  type EventRecorder,
  type InformerFactory,
  type LeaderElector,
} from '#controller';
import { type Clock, Turns } from '#machinery';
import { type Logger, type Registry } from '#telemetry';
import { type ClientFactory } from './client-factory';
import { users } from './identities';

export interface ComponentDependenciesOptions {
  readonly clients: ClientFactory;
  /** Shared by all components of the process. */
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Asked for each component. */
  readonly elector: () => LeaderElector;
  /** Asked for each component: two of a kind need registries of their own. */
  readonly metrics: () => Registry;
}

/**
 * Recorders of one kind of component that write at the same time. A hundred node agents in one process would otherwise keep the API
 * busy with what they tell about pods while the pods wait for it.
 */
const writersOfAKind = 2;

/** Makes what each component is given: a client with its own identity, an elector, a recorder, a registry, the shared informers. */
export class ComponentDependencies {
  readonly name = 'event recorders';
  private readonly recorders = new Map<string, EventRecorder & { stop(): Promise<void> }>();

  private readonly turns = new Map<string, Turns>();

  constructor(private readonly options: ComponentDependenciesOptions) {}

  /** For a controller with a service account of its own name. */
  forController(name: string): ControllerDependencies {
    return this.as(users.controller(name), 'kube-controller-manager');
  }

  as(user: string, agent: string): ControllerDependencies {
    const { clients, informers, clock, random, logger, elector, metrics } = this.options;
    return {
      client: clients.as(user, agent),
      informers,
      elector: elector(),
      recorder: (component) => this.recorder(user, agent, component),
      clock,
      random,
      logger,
      metrics: metrics(),
    };
  }

  /** A client of a part of a controller that has a service account of its own. */
  readonly clientAs = (name: string): ReturnType<ClientFactory['as']> =>
    this.options.clients.as(users.controller(name), 'kube-controller-manager');

  async stop(): Promise<void> {
    await Promise.all([...this.recorders.values()].map((recorder) => recorder.stop()));
  }

  private recorder(user: string, agent: string, component: string): EventRecorder {
    const key = `${user} ${component}`;
    let recorder = this.recorders.get(key);
    if (recorder === undefined) {
      const { clients, clock, random, logger } = this.options;
      const turns = this.turns.get(agent) ?? new Turns(writersOfAKind);
      this.turns.set(agent, turns);
      recorder = createEventRecorder({ client: clients.as(user, agent), component, clock, random, logger, turns });
      this.recorders.set(key, recorder);
    }
    return recorder;
  }
}
