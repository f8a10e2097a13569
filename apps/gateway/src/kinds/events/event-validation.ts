import { type CoreEvent } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath, isDns1123Subdomain, isQualifiedName } from '#machinery';
import { immutable, invalids, isUnset, required, sameValue } from '../validation/checks';

type Event = DeepReadonly<CoreEvent>;

const at = (...names: readonly [string, ...string[]]): FieldPath => FieldPath.of(...names);

/** Names in the core API; the texts call `reportingComponent` as the other API does. */
const bounded = [
  ['reportingInstance', ({ reportingInstance }: Event) => reportingInstance],
  ['action', ({ action }: Event) => action],
  ['reason', ({ reason }: Event) => reason],
] as const;
const MAXIMUM_LENGTH = 128;
const MAXIMUM_MESSAGE = 1024;

/** What holds for events of either API: whoever gives no `eventTime` is an old client, of which little is asked. */
export function validateAnyEvent(event: Event): FieldError[] {
  const { involvedObject, metadata, eventTime, message = '' } = event;
  const { namespace = '' } = metadata ?? {};
  const about = involvedObject.namespace ?? '';
  const isNew = !isUnset(eventTime);
  const homes = isNew ? ['default', 'kube-system'] : ['', 'default'];
  const isElsewhere = about === '' ? !homes.includes(namespace) : !isNew && about !== namespace;
  const errors = isElsewhere
    ? [field.invalid(at('involvedObject', 'namespace'), about, 'does not match event.namespace')]
    : [];
  if (isNew) {
    const controller = event.reportingComponent ?? '';
    const path = at('reportingController');
    errors.push(...required(controller, path), ...invalids(isQualifiedName(controller), path, controller));
    for (const [name, valueOf] of bounded) {
      const value = valueOf(event) ?? '';
      errors.push(...required(value, at(name)), ...atMost(value, MAXIMUM_LENGTH, at(name)));
    }
    errors.push(...atMost(message, MAXIMUM_MESSAGE, at('message')));
  }
  return [...errors, ...invalids(isDns1123Subdomain(namespace), at('namespace'), namespace)];
}

function atMost(value: string, length: number, path: FieldPath): FieldError[] {
  return Buffer.byteLength(value) > length ? [field.invalid(path, '', `can have at most ${length} characters`)] : [];
}

/** What `events.k8s.io` asks besides: that events are of the new form. */
export function validateNewEvent(event: Event): FieldError[] {
  const { type = '', eventTime, firstTimestamp, lastTimestamp, count = 0, source } = event;
  const unset = 'needs to be unset';
  return [
    ...validateAnyEvent(event),
    ...validateSeries(event),
    ...required(eventTime, at('eventTime')),
    ...(type === 'Normal' || type === 'Warning' ? [] : [field.invalid(at('type'), '', `has invalid value: ${type}`)]),
    ...(isUnset(firstTimestamp) ? [] : [field.invalid(at('firstTimestamp'), '', unset)]),
    ...(isUnset(lastTimestamp) ? [] : [field.invalid(at('lastTimestamp'), '', unset)]),
    ...(count === 0 ? [] : [field.invalid(at('count'), '', unset)]),
    ...(isUnset(source?.component) && isUnset(source?.host) ? [] : [field.invalid(at('source'), '', unset)]),
  ];
}

/** An event is news of one thing: of what it says, only the series goes on. */
export function validateNewEventUpdate(event: Event, old: Event): FieldError[] {
  const text = (name: 'reason' | 'message' | 'type' | 'action' | 'reportingInstance'): FieldError[] =>
    immutable(event[name] ?? '', old[name] ?? '', at(name));
  const any = (name: 'involvedObject' | 'source' | 'firstTimestamp' | 'lastTimestamp' | 'eventTime' | 'related') =>
    immutable(event[name] ?? null, old[name] ?? null, at(name));
  return [
    ...validateAnyEvent(event),
    ...(sameValue(event.series, old.series) ? [] : validateSeries(event)),
    ...any('involvedObject'),
    ...text('reason'),
    ...text('message'),
    ...any('source'),
    ...any('firstTimestamp'),
    ...any('lastTimestamp'),
    ...immutable(event.count ?? 0, old.count ?? 0, at('count')),
    // Upstream looks at it twice.
    ...text('reason'),
    ...text('type'),
    ...any('eventTime'),
    ...text('action'),
    ...any('related'),
    ...immutable(event.reportingComponent ?? '', old.reportingComponent ?? '', at('reportingController')),
    ...text('reportingInstance'),
  ];
}

function validateSeries({ series }: Event): FieldError[] {
  if (series === undefined) return [];
  const { count = 0, lastObservedTime } = series;
  return [
    ...(count < 2 ? [field.invalid(at('series.count'), '', 'should be at least 2')] : []),
    ...required(lastObservedTime, at('series.lastObservedTime')),
  ];
}
