import { defaulted } from '../common/strategy.fixture';
import { flowSchemas, priorityLevelConfigurations } from './flow-control';

describe('flow control', () => {
  it('flows match late', () => {
    expect(defaulted(flowSchemas, { spec: {} }).spec?.matchingPrecedence).toBe(1000);
  });

  it.each<[string, object, object]>([
    [
      'with queues',
      { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } },
      {
        limited: {
          nominalConcurrencyShares: 30,
          lendablePercent: 0,
          limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
        },
      },
    ],
    ['exempt', { type: 'Exempt', exempt: {} }, { exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }],
  ])('levels %s', (_name, spec, expected) => {
    expect(defaulted(priorityLevelConfigurations, { spec }).spec).toMatchObject(expected);
  });
});
