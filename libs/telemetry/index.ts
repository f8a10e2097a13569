/** Logs, metrics and the contract of a running component. */
export { type HealthAnswer, type HealthCheck, answerHealth } from './src/health';
export { type Logger, type LoggerOptions, createLogger, silentLogger } from './src/logger';
export { type RunningComponent } from './src/running-component';
export { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
