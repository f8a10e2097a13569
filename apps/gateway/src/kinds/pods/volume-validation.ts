import { type Volume } from '#api';
import { type DeepReadonly, field, type FieldError, type FieldPath, isDns1123Subdomain } from '#machinery';
import { dnsLabel, each, isUnset, type List } from '../validation/checks';
import { type Volumes } from './mount-validation';
import { type PodContext } from './volume-parts-validation';
import { volumeSources } from './volume-source-validation';

/** Checks the volumes and returns those that mounts may refer to. */
export function validateVolumes(
  volumes: List<DeepReadonly<Volume>>,
  pod: PodContext,
  path: FieldPath,
): { errors: FieldError[]; valid: Volumes } {
  const valid = new Map<string, DeepReadonly<Volume>>();
  const errors = each(volumes, path, (volume, place) => {
    const { name = '' } = volume;
    const problems = validateSource(volume, pod, place);
    problems.push(...(isUnset(name) ? [field.required(place.child('name'))] : dnsLabel(name, place.child('name'))));
    if (valid.has(name)) problems.push(field.duplicate(place.child('name'), name));
    if (problems.length === 0) valid.set(name, volume);
    return problems;
  });
  return { errors, valid };
}

function validateSource(volume: DeepReadonly<Volume>, pod: PodContext, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  for (const [name, validate] of volumeSources) {
    if (volume[name] === undefined) continue;
    const place = path.child(name);
    if (found) errors.push(field.forbidden(place, 'may not specify more than 1 volume type'));
    else errors.push(...validate(volume, place, pod));
    found = true;
  }
  if (volume.ephemeral !== undefined && !pod.isTemplate && !isUnset(pod.metadata?.name)) {
    const claim = `${pod.metadata?.name}-${volume.name}`;
    for (const message of isDns1123Subdomain(claim)) {
      errors.push(field.invalid(path.child('name'), volume.name, `PVC name "${claim}": ${message}`));
    }
  }
  return found ? errors : [field.required(path, 'must specify a volume type')];
}
