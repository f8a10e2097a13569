import { type PodTemplateSpec } from '#api';
import { deepEqualSemantic } from '#controller';
import { type DeepReadonly } from '#machinery';
import { type DeploymentView, type SetView } from './rollout';

/** Label that tells the pods of one revision from those of another. */
export const hashLabel = 'pod-template-hash';

type Template = DeepReadonly<PodTemplateSpec> | undefined;

/** Equal but for the hash label: the hash may be computed differently by another version of this controller. */
export function isSameTemplate(a: Template, b: Template): boolean {
  return deepEqualSemantic(withoutHash(a), withoutHash(b));
}

/** The oldest set with the Deployment's template, as upstream: two can only come about by adoption. */
export function findNewReplicaSet(deployment: DeploymentView, oldestFirst: readonly SetView[]): SetView | undefined {
  return oldestFirst.find((set) => isSameTemplate(set.spec?.template, deployment.spec?.template));
}

function withoutHash(template: Template): Template {
  if (template?.metadata?.labels?.[hashLabel] === undefined) return template;
  const { [hashLabel]: _hash, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

const fnvPrime = 16777619;
const fnvOffset = 2166136261;
/** Upstream's `rand.SafeEncodeString`: no vowels and none of the digits that look like them. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A short name for a template: FNV-32a of its canonical JSON and the number of collisions so far, in upstream's alphabet. (Upstream
 * hashes a dump of Go structures, so the values differ, which nobody may rely on.)
 */
export function templateHash(template: Template, collisionCount: number | undefined): string {
  let hash = fnvOffset;
  const text = canonical(template) + (collisionCount === undefined ? '' : String(collisionCount));
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, fnvPrime) >>> 0;
  return [...String(hash)].map((digit) => safeAlphabet.charAt(digit.charCodeAt(0) % safeAlphabet.length)).join('');
}

/** JSON with sorted keys and without what is undefined. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`);
  return `{${fields.join(',')}}`;
}
