import { NestFactory } from '@nestjs/core';
import { type ControllerDependencies } from '#controller';
import { type RunningComponent } from '#telemetry';
import { type SchedulerConfig, SchedulerModule, SchedulerService } from './src/scheduler.module';

export { type SchedulerConfig } from './src/scheduler.module';

/** Starts the scheduler: it binds pods while this replica leads. Resolves without waiting for either. */
export async function createScheduler(
  config: SchedulerConfig,
  dependencies: ControllerDependencies,
): Promise<RunningComponent> {
  const context = await NestFactory.createApplicationContext(SchedulerModule.with(config, dependencies), {
    logger: false,
    abortOnError: false,
  });
  const { scheduler } = context.get(SchedulerService);
  const leading = dependencies.elector.run((signal, since) => scheduler.run(signal, since));
  leading.catch((error: unknown) => dependencies.logger.error({ err: error }, 'the scheduler ended'));
  const stop = async (): Promise<void> => {
    await dependencies.elector.stop();
    await leading;
    await context.close();
  };
  let stopped: Promise<void> | undefined;
  return { name: 'scheduler', stop: () => (stopped ??= stop()) };
}
