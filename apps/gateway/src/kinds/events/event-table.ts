import { type CoreEvent, type Resource, resources } from '#api';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { ageOf } from '../common/duration';
import { nameColumn, tableOf } from '../common/table';
import { type TableDefinition } from '../strategy';

type Event = DeepReadonly<CoreEvent>;

/** The table of either API of events; `toCore` reads an object of the resource as a core event. */
export function eventTable<T extends KubernetesObject>(
  resource: Resource<T>,
  toCore: (object: DeepReadonly<T>) => Event,
): TableDefinition<T> {
  return tableOf<T>(
    resource,
    [
      {
        name: 'Last Seen',
        about: '.lastTimestamp',
        cell: (object, nowMs) => lastSeen(toCore(object), nowMs),
      },
      { name: 'Type', about: '.type', cell: (object) => toCore(object).type ?? '' },
      { name: 'Reason', about: '.reason', cell: (object) => toCore(object).reason ?? '' },
      { name: 'Object', about: '.involvedObject', cell: (object) => objectText(toCore(object)) },
      {
        name: 'Subobject',
        wide: true,
        about: '.involvedObject.fieldPath',
        cell: (object) => toCore(object).involvedObject.fieldPath ?? '',
      },
      {
        name: 'Source',
        wide: true,
        about: '.source',
        cell: (object) => sourceText(toCore(object)),
      },
      { name: 'Message', about: '.message', cell: (object) => (toCore(object).message ?? '').trim() },
      {
        name: 'First Seen',
        wide: true,
        about: '.firstTimestamp',
        cell: (object, nowMs) => firstSeen(toCore(object), nowMs),
      },
      {
        name: 'Count',
        wide: true,
        about: '.count',
        cell: (object) => countOf(toCore(object)),
      },
      { ...nameColumn, wide: true },
    ],
    resources.events,
  );
}

function firstSeen({ firstTimestamp, eventTime }: Event, nowMs: number): string {
  return ageOf(firstTimestamp ?? eventTime, nowMs);
}

function lastSeen(event: Event, nowMs: number): string {
  if (event.series !== undefined) return ageOf(event.series.lastObservedTime, nowMs);
  // Times that were never set are null.
  return (event.lastTimestamp ?? null) === null ? firstSeen(event, nowMs) : ageOf(event.lastTimestamp, nowMs);
}

function countOf({ series, count }: Event): number {
  return series === undefined ? count || 1 : (series.count ?? 0);
}

function objectText({ involvedObject: { kind = '', name = '' } }: Event): string {
  return name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

function sourceText({ source, reportingComponent = '', reportingInstance = '' }: Event): string {
  const component = source?.component || reportingComponent;
  const host = source?.host || reportingInstance;
  return host === '' ? component : `${component}, ${host}`;
}
