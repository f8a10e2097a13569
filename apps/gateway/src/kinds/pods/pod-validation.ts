import { type Pod, type PodSpec, type PodTemplateSpec } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath, validateLabels } from '#machinery';
import { each, isUnset } from '../validation/checks';
import { validateImageSpaces } from './container-validation';
import { validateAnnotations, validatePodAnnotations } from './pod-annotations-validation';
import { validatePodSpec } from './pod-spec-validation';

const metadata = FieldPath.of('metadata');
const spec = FieldPath.of('spec');

/** `ValidatePodCreate`. */
export function validatePodCreate(pod: DeepReadonly<Pod>): FieldError[] {
  const errors = validatePod(pod);
  const { ephemeralContainers = [], nodeName, schedulingGates = [] } = specOf(pod);
  if (ephemeralContainers.length > 0) {
    errors.push(field.forbidden(spec.child('ephemeralContainers'), 'cannot be set on create'));
  }
  if (!isUnset(nodeName) && schedulingGates.length > 0) {
    errors.push(field.forbidden(spec.child('nodeName'), 'cannot be set until all schedulingGates have been cleared'));
  }
  return errors;
}

/** What holds for a pod at any time. */
export function validatePod(pod: DeepReadonly<Pod>): FieldError[] {
  const own = specOf(pod);
  return [
    ...validatePodAnnotations(pod.metadata?.annotations, own, metadata.child('annotations')),
    ...validatePodSpec(own, { metadata: pod.metadata, isTemplate: false }, spec),
    ...validateTokens(own),
    ...each(own.containers, spec.child('containers'), validateImageSpaces),
    ...each(own.initContainers, spec.child('initContainers'), validateImageSpaces),
  ];
}

const emptySpec: DeepReadonly<PodSpec> = { containers: [] };

export function specOf({ spec: own }: DeepReadonly<Pod>): DeepReadonly<PodSpec> {
  return own ?? emptySpec;
}

/** A token is a service account's. Admission names one, unless somebody switched it off. */
function validateTokens({ serviceAccountName, volumes }: DeepReadonly<PodSpec>): FieldError[] {
  if (!isUnset(serviceAccountName)) return [];
  return each(volumes, spec.child('volumes'), ({ projected }, place) =>
    each(projected?.sources, place.child('projected', 'sources'), ({ serviceAccountToken }, source) =>
      serviceAccountToken === undefined
        ? []
        : [
            field.forbidden(
              source.child('serviceAccountToken'),
              'must not be specified when serviceAccountName is not set',
            ),
          ],
    ),
  );
}

/** `ValidatePodTemplateSpec`. */
export function validatePodTemplate(
  template: DeepReadonly<PodTemplateSpec> | undefined,
  path: FieldPath,
): FieldError[] {
  const own = template?.spec ?? emptySpec;
  const errors = [
    ...validateLabels(template?.metadata?.labels, path.child('labels')),
    ...validateAnnotations(template?.metadata?.annotations, path.child('annotations')),
    ...validatePodAnnotations(template?.metadata?.annotations, own, path.child('annotations')),
    ...validatePodSpec(own, { metadata: undefined, isTemplate: true }, path.child('spec')),
  ];
  if ((own.ephemeralContainers ?? []).length > 0) {
    const text = 'ephemeral containers not allowed in pod template';
    errors.push(field.forbidden(path.child('spec', 'ephemeralContainers'), text));
  }
  return errors;
}
