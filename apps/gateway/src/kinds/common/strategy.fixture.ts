import { schemaFor } from '#api';
import { type DeepReadonly, type JsonValue, type KubernetesObject, decodeValue, deepFreeze } from '#machinery';
import { type ResourceStrategy, type StrategyContext } from '../strategy';

/** A request of nobody in particular, at noon. */
export const context: StrategyContext = {
  user: { name: 'jane', groups: ['devs', 'system:authenticated'], extra: { team: ['red'] } },
  namespace: 'default',
  now: '2026-01-01T12:00:00Z',
  nowMs: Date.parse('2026-01-01T12:00:00Z'),
  dryRun: false,
  subresource: '',
};

/** An object as the gateway makes it of a body, before it is prepared. */
export function defaulted<T extends KubernetesObject>(strategy: ResourceStrategy<T>, body: object): T {
  const { group, version, kind } = strategy.resource;
  const object = decodeValue(structuredClone(body) as JsonValue, schemaFor(group, version, kind)).value as unknown as T;
  strategy.setDefaults?.(object);
  return object;
}

export function created<T extends KubernetesObject>(strategy: ResourceStrategy<T>, body: object): T {
  const object = defaulted(strategy, body);
  strategy.prepareForCreate?.(object, context);
  return object;
}

/** The outcome of an update, of the object itself or of one of its subresources. */
export function updated<T extends KubernetesObject>(
  strategy: ResourceStrategy<T>,
  old: T,
  change: (object: T) => void,
  subresource = '',
): T {
  const object = structuredClone(old);
  change(object);
  const own = subresource === '' ? strategy : strategy.subresources?.[subresource];
  own?.prepareForUpdate?.(object, deepFreeze(structuredClone(old)), { ...context, subresource });
  return object;
}

/** One row of the kind's table, by the names of its columns. */
export function row<T extends KubernetesObject>(
  strategy: ResourceStrategy<T>,
  object: object,
): Record<string, unknown> {
  const { table } = strategy;
  if (table === undefined) throw new Error('no table');
  const cells = table.cells(object as DeepReadonly<T>, context.nowMs);
  return Object.fromEntries(table.columns.map(({ name }, index) => [name, cells[index]]));
}
