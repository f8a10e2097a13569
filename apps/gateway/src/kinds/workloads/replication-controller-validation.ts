import { type PodTemplate, type ReplicationController } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath, labelsMatcher } from '#machinery';
import { hostNameWarnings } from '../common/warnings';
import { validatePodTemplate } from '../pods/pod-validation';
import { podTemplateWarnings } from '../pods/pod-warnings';
import { nonNegative } from '../validation/checks';
import { type Validation } from '../validation/validation';
import { newTemplateWarnings, validateForever, validateMatch } from './template-validation';

const spec = FieldPath.of('spec');
const template = spec.child('template');

export const replicationControllerValidation: Validation<ReplicationController> = {
  validateCreate: validateReplicationController,
  validateUpdate: validateReplicationController,
  warningsOnCreate: ({ metadata, spec: own }) => [
    ...hostNameWarnings(metadata),
    ...podTemplateWarnings(own?.template, template),
  ],
  warningsOnUpdate: (controller, old) => newTemplateWarnings(controller.spec?.template, old.spec?.template, template),
};

function validateReplicationController({ spec: own }: DeepReadonly<ReplicationController>): FieldError[] {
  const selector = own?.selector ?? {};
  const errors = nonNegative(own?.minReadySeconds, spec.child('minReadySeconds'));
  const selectsNothing = Object.keys(selector).length === 0;
  if (selectsNothing) errors.push(field.required(spec.child('selector')));
  errors.push(...nonNegative(own?.replicas, spec.child('replicas')));
  if (own?.template === undefined) return [...errors, field.required(template)];
  return [
    ...errors,
    ...(selectsNothing ? [] : validateMatch(labelsMatcher(selector), false, own.template, template)),
    ...validatePodTemplate(own.template, template),
    ...validateForever(own.template, template, 'ReplicationController'),
  ];
}

const root = FieldPath.of('template');

export const podTemplateValidation: Validation<PodTemplate> = {
  validateCreate: (object) => validatePodTemplate(object.template, root),
  validateUpdate: (object) => validatePodTemplate(object.template, root),
  warningsOnCreate: (object) => podTemplateWarnings(object.template, root),
  warningsOnUpdate: (object, old) => newTemplateWarnings(object.template, old.template, root),
};
