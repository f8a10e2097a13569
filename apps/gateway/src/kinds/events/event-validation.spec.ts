import { type CoreEvent } from '#api';
import { type FieldError } from '#machinery';
import { validateAnyEvent, validateNewEvent, validateNewEventUpdate } from './event-validation';

const old: CoreEvent = {
  metadata: { name: 'e', namespace: 'n' },
  involvedObject: { kind: 'Pod', namespace: 'n', name: 'p' },
};
const event: CoreEvent = {
  ...old,
  eventTime: '2026-01-01T12:00:00.000000Z',
  reportingComponent: 'example.com/c',
  reportingInstance: 'c-0',
  action: 'Test',
  reason: 'Tested',
  type: 'Normal',
};
const texts = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

describe('what an event must say', () => {
  it('is little for old clients, and more for new ones', () => {
    expect(texts(validateAnyEvent(old))).toEqual([]);
    expect(texts(validateNewEvent(event))).toEqual([]);
    expect(texts(validateNewEvent(old))).toEqual([
      'eventTime: Required value',
      'type: Invalid value: "": has invalid value: ',
    ]);
  });

  it.each<[string, string, string]>([
    ['n', '', 'does not match event.namespace'],
    ['n', 'other', 'does not match event.namespace'],
    ['default', '', ''],
  ])('is in the namespace of what it is about: %s, %s', (namespace, about, message) => {
    const moved = { ...old, metadata: { name: 'e', namespace }, involvedObject: { namespace: about } };
    const expected = message === '' ? [] : [`involvedObject.namespace: Invalid value: "${about}": ${message}`];
    expect(texts(validateAnyEvent(moved))).toEqual(expected);
  });

  it.each<[Partial<CoreEvent>, string]>([
    [{ reportingComponent: 'not one!' }, 'reportingController: Invalid value: "not one!": name part must consist of'],
    [{ reportingInstance: '' }, 'reportingInstance: Required value'],
    [{ action: 'x'.repeat(129) }, 'action: Invalid value: "": can have at most 128 characters'],
    [{ message: 'x'.repeat(1025) }, 'message: Invalid value: "": can have at most 1024 characters'],
    [
      { series: { count: 1, lastObservedTime: event.eventTime as string } },
      'series.count: Invalid value: "": should be at',
    ],
    [{ count: 1 }, 'count: Invalid value: "": needs to be unset'],
    [{ source: { component: 'kubelet' } }, 'source: Invalid value: "": needs to be unset'],
    [{ firstTimestamp: '2026-01-01T12:00:00Z' }, 'firstTimestamp: Invalid value: "": needs to be unset'],
  ])('is checked: %j', (change, expected) => {
    const [first, ...more] = texts(validateNewEvent({ ...event, ...change }));
    expect(more).toEqual([]);
    expect(first).toContain(expected);
  });

  it('stays, but for its series', () => {
    const series = { count: 2, lastObservedTime: '2026-01-01T12:01:00.000000Z' };
    expect(texts(validateNewEventUpdate({ ...event, series }, event))).toEqual([]);
    const { related: _, ...rest } = { ...event, message: 'more', related: { kind: 'Node' } };
    expect(texts(validateNewEventUpdate(event, { ...rest, related: { kind: 'Node' } }))).toEqual([
      'message: Invalid value: "": field is immutable',
      'related: Invalid value: null: field is immutable',
    ]);
  });
});
