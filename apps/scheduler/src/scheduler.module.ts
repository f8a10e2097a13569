import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { type ControllerDependencies } from '#controller';
import { DefaultSelectors } from './default-selectors';
import { SchedulerMetrics } from './metrics';
import { Scheduler } from './scheduler';

export interface SchedulerConfig {
  /** Pods name their scheduler in `spec.schedulerName`. Default: `default-scheduler`. */
  readonly schedulerName?: string;
}

const DEPENDENCIES = Symbol('dependencies');
const CONFIG = Symbol('config');

/** Wires the scheduler for Nest. */
@Injectable()
export class SchedulerService {
  readonly scheduler: Scheduler;

  constructor(@Inject(DEPENDENCIES) dependencies: ControllerDependencies, @Inject(CONFIG) config: SchedulerConfig) {
    this.scheduler = new Scheduler(
      config.schedulerName ?? 'default-scheduler',
      dependencies,
      new SchedulerMetrics(dependencies.metrics),
      new DefaultSelectors(dependencies.informers),
    );
  }
}

@Module({})
export class SchedulerModule {
  static with(config: SchedulerConfig, dependencies: ControllerDependencies): DynamicModule {
    return {
      module: SchedulerModule,
      providers: [
        SchedulerService,
        { provide: DEPENDENCIES, useValue: dependencies },
        { provide: CONFIG, useValue: config },
      ],
    };
  }
}
