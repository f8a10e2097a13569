import { schemaFor } from '#api';
import {
  type DeepReadonly,
  type JsonValue,
  type KubernetesObject,
  decodeValue,
  deepFreeze,
  formatFieldError,
} from '#machinery';
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
  const object = prepared(strategy, body);
  strategy.canonicalize?.(object);
  return object;
}

function prepared<T extends KubernetesObject>(strategy: ResourceStrategy<T>, body: object): T {
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

/** What is wrong with a new object, as clients read it. */
export function problemsOf<T extends KubernetesObject>(strategy: ResourceStrategy<T>, body: object): string[] {
  const object = deepFreeze(prepared(strategy, body));
  return (strategy.validateCreate?.(object, context) ?? []).map(formatFieldError);
}

/** The same of an update. */
export function updateProblemsOf<T extends KubernetesObject>(
  strategy: ResourceStrategy<T>,
  old: object,
  body: object,
  subresource = '',
): string[] {
  const [before, after] = [defaulted(strategy, old), defaulted(strategy, body)].map((one) => deepFreeze(one));
  const own = subresource === '' ? strategy : strategy.subresources?.[subresource];
  const errors = own?.validateUpdate?.(after as DeepReadonly<T>, before as DeepReadonly<T>, {
    ...context,
    subresource,
  });
  return (errors ?? []).map(formatFieldError);
}
