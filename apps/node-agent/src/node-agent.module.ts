import { type DynamicModule, Inject, Injectable, Module } from '@nestjs/common';
import { startNodeAgent, type RunningNodeAgent } from './agent';
import { type NodeAgentConfig } from './config';
import { type NodeAgentDependencies } from './dependencies';

const DEPENDENCIES = Symbol('dependencies');
const CONFIG = Symbol('config');

/** Holds the running agent for Nest. */
@Injectable()
export class NodeAgentService {
  constructor(
    @Inject(CONFIG) private readonly config: NodeAgentConfig,
    @Inject(DEPENDENCIES) private readonly dependencies: NodeAgentDependencies,
  ) {}

  start(): Promise<RunningNodeAgent> {
    return startNodeAgent(this.config, this.dependencies);
  }
}

@Module({})
export class NodeAgentModule {
  static with(config: NodeAgentConfig, dependencies: NodeAgentDependencies): DynamicModule {
    return {
      module: NodeAgentModule,
      providers: [
        NodeAgentService,
        { provide: CONFIG, useValue: config },
        { provide: DEPENDENCIES, useValue: dependencies },
      ],
    };
  }
}
