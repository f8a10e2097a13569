import pino, { type Logger } from 'pino';
import { serializeError } from './error-serializer';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** pino's levels: `trace` … `fatal`, or `silent`. */
  readonly level: string;
  /** Where lines go; standard error when absent. */
  readonly destination?: pino.DestinationStream;
}

/** A structured JSON logger. Authorization headers, tokens, passwords and secret data are censored wherever they appear at the top levels. */
export function createLogger(component: string, options: LoggerOptions): Logger {
  return pino(
    {
      name: component,
      level: options.level,
      base: undefined,
      serializers: { err: (error: unknown) => serializeError(error) },
      redact: ['authorization', '*.authorization', 'token', '*.token', 'password', '*.password', 'data', '*.data'],
    },
    options.destination ?? pino.destination(2),
  );
}

/** A logger that drops everything, for tests. */
export function silentLogger(): Logger {
  // With a destination of its own: pino would open standard output and listen for the end of the process.
  return pino({ level: 'silent' }, { write: () => undefined });
}
