import { type CoreEvent, type Resource, resources } from '#api';
import { type ObjectClient } from '#client';
import { type DeepReadonly, formatKey, hasReason, type KubernetesObject, type ObjectKey } from '#machinery';
import { type Changes } from './changes';
import { conditionLines, hasCondition, parseCondition } from './conditions';
import { type Discovery } from './discovery';
import { type ObjectRef } from './object-ref';

type Predicate = (object: DeepReadonly<KubernetesObject>) => boolean;

export interface Wait {
  readonly ref: ObjectRef;
  readonly condition: string | Predicate;
  /** Where `ref` names no namespace. */
  readonly namespace: string;
  readonly timeoutMs: number;
}

const EVENTS_SHOWN = 5;

/**
 * Looks whenever something in the cluster changes. Resolves with the object that meets the condition, undefined for one that is deleted;
 * rejects, after `timeoutMs` of real time, with what its conditions and latest events say.
 */
export async function waitFor(
  client: ObjectClient,
  discovery: Discovery,
  changes: Changes,
  { ref, condition, namespace, timeoutMs }: Wait,
): Promise<DeepReadonly<KubernetesObject> | undefined> {
  const deadline = performance.now() + timeoutMs;
  const isMet = judge(condition);
  const { resource, key } = await resolve(discovery, ref, namespace);
  for (;;) {
    const { revision } = changes;
    const object = await getOrNothing(client, resource, key);
    if (isMet(object)) return object;
    if (await changes.after(revision, deadline - performance.now())) continue;
    const wanted = typeof condition === 'string' ? condition : 'as the predicate wants it';
    const headline = `${resource.singular} ${formatKey(key.namespace, key.name)} is not ${wanted} after ${timeoutMs} ms`;
    throw new Error([headline, ...(await explain(client, resource, key, object))].join('\n'));
  }
}

function judge(condition: string | Predicate): (object: DeepReadonly<KubernetesObject> | undefined) => boolean {
  if (typeof condition === 'function') return (object) => object !== undefined && condition(object);
  if (condition === 'deleted') return (object) => object === undefined;
  const wanted = parseCondition(condition);
  return (object) => object !== undefined && hasCondition(object, wanted);
}

async function resolve(
  discovery: Discovery,
  ref: ObjectRef,
  defaultNamespace: string,
): Promise<{ resource: Resource<KubernetesObject>; key: ObjectKey }> {
  if (typeof ref !== 'string') {
    const resource = await discovery.ofKind(ref.kind, ref.apiVersion);
    return {
      resource,
      key: { namespace: resource.namespaced ? (ref.namespace ?? defaultNamespace) : '', name: ref.name },
    };
  }
  const [kind = '', name = '', ...more] = ref.split('/');
  if (name === '' || more.length > 0)
    throw new TypeError(`${JSON.stringify(ref)} is no reference: use 'deployment/web'`);
  const resource = await discovery.byName(kind);
  return { resource, key: { namespace: resource.namespaced ? defaultNamespace : '', name } };
}

async function getOrNothing(
  client: ObjectClient,
  resource: Resource<KubernetesObject>,
  key: ObjectKey,
): Promise<DeepReadonly<KubernetesObject> | undefined> {
  try {
    return await client.get(resource, key);
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function explain(
  client: ObjectClient,
  { kind }: Resource<KubernetesObject>,
  { namespace, name }: ObjectKey,
  object: DeepReadonly<KubernetesObject> | undefined,
): Promise<string[]> {
  if (object === undefined) return ['it does not exist'];
  const conditions = conditionLines(object);
  const { items } = await client.list(resources.events, { namespace: namespace === '' ? 'default' : namespace });
  // What a controller makes is named after its owner, and often it is there that something went wrong.
  const ofIt = items.filter(
    ({ involvedObject: { kind: of, name: about = '' } }) =>
      (of === kind && about === name) || about.startsWith(`${name}-`),
  );
  const latest = ofIt.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1)).slice(-EVENTS_SHOWN);
  return [
    ...(conditions.length === 0 ? ['it has no conditions'] : ['conditions:', ...conditions.map((line) => `  ${line}`)]),
    ...(latest.length === 0
      ? ['it has no events']
      : ['latest events:', ...latest.map((event) => `  ${eventLine(event)}`)]),
  ];
}

function timeOf({ lastTimestamp, eventTime, metadata }: DeepReadonly<CoreEvent>): string {
  return lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
}

function eventLine({ type = '', reason = '', message = '', involvedObject }: DeepReadonly<CoreEvent>): string {
  return `${type} ${reason} ${involvedObject.kind ?? ''}/${involvedObject.name ?? ''}: ${message}`;
}
