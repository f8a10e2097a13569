import { type EventsEvent } from '#api';
import { defaulted, row } from '../common/strategy.fixture';
import { coreEvents, newEvents } from './events';

const body = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: 'e' },
  eventTime: '2026-01-01T11:59:30.000000Z',
  reportingController: 'example.com/c',
  reportingInstance: 'c-0',
  action: 'Test',
  reason: 'Tested',
  note: 'it was',
  type: 'Normal',
  regarding: { kind: 'Pod', namespace: 'n', name: 'p' },
};

describe('events', () => {
  it('are stored in the core form and come back as they were', () => {
    const event = defaulted(newEvents, body);
    const stored = newEvents.conversion!.toStorage(event);
    expect(stored).toMatchObject({
      apiVersion: 'v1',
      involvedObject: { kind: 'Pod', namespace: 'n', name: 'p' },
      message: 'it was',
      reportingComponent: 'example.com/c',
      firstTimestamp: null,
    });
    expect(newEvents.conversion!.fromStorage(stored)).toEqual(event);
  });

  it('do not share parts with what they are converted from', () => {
    const event = defaulted(newEvents, body);
    const stored = newEvents.conversion!.toStorage(event) as { involvedObject?: object };
    expect(stored.involvedObject).not.toBe(event.regarding);
  });

  it('are selected by the names of their own API', () => {
    expect(newEvents.fieldSelectors?.['regarding.name']?.(defaulted<EventsEvent>(newEvents, body))).toBe('p');
    expect(newEvents.fieldSelectors).not.toHaveProperty('involvedObject.name');
    const core = defaulted(coreEvents, { involvedObject: { name: 'p' }, source: { component: 'kubelet' } });
    expect(coreEvents.fieldSelectors?.['involvedObject.name']?.(core)).toBe('p');
    expect(coreEvents.fieldSelectors?.['source']?.(core)).toBe('kubelet');
  });

  it.each<[string, object, object]>([
    [
      'an old one',
      { lastTimestamp: '2026-01-01T11:59:00Z', firstTimestamp: '2026-01-01T11:00:00Z', count: 7 },
      { 'Last Seen': '60s', 'First Seen': '60m', Count: 7 },
    ],
    ['a new one', { eventTime: '2026-01-01T11:59:30.000000Z' }, { 'Last Seen': '30s', 'First Seen': '30s', Count: 1 }],
    [
      'a series',
      {
        eventTime: '2026-01-01T11:00:00.000000Z',
        series: { count: 4, lastObservedTime: '2026-01-01T11:59:50.000000Z' },
      },
      { 'Last Seen': '10s', 'First Seen': '60m', Count: 4 },
    ],
  ])('the table tells when it was seen: %s', (_name, fields, expected) => {
    const event = defaulted(coreEvents, { involvedObject: { kind: 'Pod', name: 'p' }, message: ' text\n', ...fields });
    expect(row(coreEvents, event)).toMatchObject({ Object: 'pod/p', Message: 'text', ...expected });
  });
});
