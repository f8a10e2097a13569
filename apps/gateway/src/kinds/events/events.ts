import { type CoreEvent, type EventsEvent, type ObjectReference, resources } from '#api';
import { type DeepReadonly, isPathSegmentName } from '#machinery';
import { type FieldSelectorGetter, type ResourceStrategy } from '../strategy';
import { eventFromCore, eventToCore } from './event-conversion';
import { eventTable } from './event-table';
import { validateAnyEvent, validateNewEvent, validateNewEventUpdate } from './event-validation';

/** Events are news; after an hour nobody reads them. */
const TTL_SECONDS = 3600;

const referenceFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;

function selectReference<T>(
  prefix: string,
  referenceOf: (event: DeepReadonly<T>) => DeepReadonly<ObjectReference> | undefined,
): Record<string, FieldSelectorGetter<T>> {
  return Object.fromEntries(
    referenceFields.map((field): [string, FieldSelectorGetter<T>] => [
      `${prefix}.${field}`,
      (event) => referenceOf(event)?.[field] ?? '',
    ]),
  );
}

export const coreEvents: ResourceStrategy<CoreEvent> = {
  resource: resources.events,
  nameRule: (name) => isPathSegmentName(name),
  validateFirst: validateAnyEvent,
  fieldSelectors: {
    ...selectReference<CoreEvent>('involvedObject', ({ involvedObject }) => involvedObject),
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || (reportingComponent ?? ''),
    type: ({ type }) => type ?? '',
  },
  allowCreateOnUpdate: true,
  ttlSeconds: TTL_SECONDS,
  table: eventTable(resources.events, (event) => event),
};

export const newEvents: ResourceStrategy<EventsEvent> = {
  resource: resources.eventsEvents,
  validateCreate: (event) => validateNewEvent(eventToCore(event)),
  validateUpdate: (event, old) => validateNewEventUpdate(eventToCore(event), eventToCore(old)),
  fieldSelectors: {
    ...selectReference<EventsEvent>('regarding', ({ regarding }) => regarding),
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
  allowCreateOnUpdate: true,
  ttlSeconds: TTL_SECONDS,
  table: eventTable(resources.eventsEvents, eventToCore),
  conversion: {
    storage: resources.events,
    toStorage: (event) => structuredClone(eventToCore(event)) as CoreEvent,
    fromStorage: (event) => eventFromCore(event as DeepReadonly<CoreEvent>) as EventsEvent,
  },
};
