import { type CoreEvent, type EventsEvent } from '#api';
import { type DeepReadonly } from '#machinery';

/** Fields of `events.k8s.io` that the core API calls otherwise. What is not here has the same name in both. */
const renamed: readonly (readonly [events: string, core: string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

const toCoreName = new Map(renamed);
const fromCoreName = new Map(renamed.map(([events, core]) => [core, events]));

/** Shares its parts with `event`. */
export function eventToCore(event: DeepReadonly<EventsEvent>): DeepReadonly<CoreEvent> {
  // What the core API requires.
  const required = { involvedObject: {}, source: {}, firstTimestamp: null, lastTimestamp: null, eventTime: null };
  const core = {
    ...required,
    reportingComponent: '',
    reportingInstance: '',
    ...rename(event, toCoreName),
    apiVersion: 'v1',
  };
  return core as unknown as DeepReadonly<CoreEvent>;
}

/** Shares its parts with `event`. */
export function eventFromCore(event: DeepReadonly<CoreEvent>): DeepReadonly<EventsEvent> {
  const { reportingController, reportingInstance, ...rest } = rename(event, fromCoreName);
  const converted = {
    ...rest,
    // The core API writes them even when they are empty.
    ...(reportingController ? { reportingController } : {}),
    ...(reportingInstance ? { reportingInstance } : {}),
    apiVersion: 'events.k8s.io/v1',
  };
  return converted as unknown as DeepReadonly<EventsEvent>;
}

function rename(object: object, names: ReadonlyMap<string, string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value as unknown]));
}
