import { type DynamicModule, Inject, Module, type Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { type ControllerDependencies } from './dependencies';

const DEPENDENCIES = Symbol('controller dependencies');
const CONFIG = Symbol('controller configuration');

/** Injects the `ControllerDependencies` that the app was started with. */
export const InjectDependencies = (): ParameterDecorator => Inject(DEPENDENCIES);

/** Injects the configuration that was given to `startController`. */
export const InjectConfig = (): ParameterDecorator => Inject(CONFIG);

/** Root of a controller's Nest application: the app's own module plus what every controller gets. */
@Module({})
export class ControllerModule {
  static root(app: Type<unknown>, dependencies: ControllerDependencies, config: object): DynamicModule {
    return {
      module: ControllerModule,
      global: true,
      imports: [DiscoveryModule, app],
      providers: [
        { provide: DEPENDENCIES, useValue: dependencies },
        { provide: CONFIG, useValue: config },
      ],
      exports: [DEPENDENCIES, CONFIG],
    };
  }
}
