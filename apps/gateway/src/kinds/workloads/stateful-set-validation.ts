import { type StatefulSet, type StatefulSetSpec } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { fractionWarnings } from '../common/warnings';
import { podTemplateWarnings } from '../pods/pod-warnings';
import { nonNegative, oneOf, sameValue } from '../validation/checks';
import { type Validation } from '../validation/validation';
import { atMostAll, validateIntOrPercent } from './int-or-percent-validation';
import {
  newTemplateWarnings,
  type TemplateRules,
  validateSelectedTemplate,
  validateSelector,
} from './template-validation';

const spec = FieldPath.of('spec');
const template = spec.child('template');
const rules: TemplateRules = { owner: 'statefulset', kind: 'StatefulSet', unreadable: '' };

/** What may change; the rest says which pods and claims are the set's. */
const mutableFields = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export const statefulSetValidation: Validation<StatefulSet> = {
  validateCreate: validateStatefulSet,
  validateUpdate: (set, old) => [...validateStatefulSet(set), ...validateKept(set.spec, old.spec)],
  warningsOnCreate: ({ spec: own }) => [
    ...podTemplateWarnings(own?.template, template),
    ...claimWarnings(own, (claim) => claim),
    ...historyWarnings(own),
  ],
  warningsOnUpdate: ({ spec: own }, old) => [
    ...newTemplateWarnings(own?.template, old.spec?.template, template),
    // Upstream names the field as Go does.
    ...claimWarnings(own, (claim) => claim.child('Spec')),
    ...historyWarnings(own),
  ],
};

function claimWarnings(own: Spec, placeOf: (claim: FieldPath) => FieldPath): string[] {
  return (own?.volumeClaimTemplates ?? []).flatMap(({ spec: claim }, index) => {
    const path = placeOf(spec.child('volumeClaimTemplates').index(index));
    return fractionWarnings(
      claim?.resources?.requests?.['storage'],
      path.child('resources', 'requests').key('storage'),
    );
  });
}

function historyWarnings(own: Spec): string[] {
  if ((own?.revisionHistoryLimit ?? 0) >= 0) return [];
  return ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'];
}

type Spec = DeepReadonly<StatefulSetSpec> | undefined;

function validateKept(own: Spec, old: Spec): FieldError[] {
  const kept = (value: Spec): unknown =>
    Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => !mutableFields.includes(name)));
  if (sameValue(kept(own), kept(old))) return [];
  const names = mutableFields.map((name) => `'${name}'`);
  const text = `updates to statefulset spec for fields other than ${names.slice(0, -1).join(', ')} and ${names.at(-1)} are forbidden`;
  return [field.forbidden(spec, text)];
}

function validateStatefulSet({ spec: own }: DeepReadonly<StatefulSet>): FieldError[] {
  return [
    ...validatePodManagement(own),
    ...validateStrategy(own),
    ...validateRetention(own),
    ...nonNegative(own?.replicas, spec.child('replicas')),
    ...nonNegative(own?.minReadySeconds, spec.child('minReadySeconds')),
    ...nonNegative(own?.ordinals?.start, spec.child('ordinals', 'start')),
    ...validateSelector(own?.selector, spec.child('selector'), rules),
    ...validateSelectedTemplate(own?.selector, own?.template, spec, rules),
  ];
}

function validatePodManagement(own: Spec): FieldError[] {
  const { podManagementPolicy: policy = '' } = own ?? {};
  const path = spec.child('podManagementPolicy');
  if (policy === '') return [field.required(path)];
  if (policy === 'OrderedReady' || policy === 'Parallel') return [];
  return [field.invalid(path, policy, "must be 'OrderedReady' or 'Parallel'")];
}

function validateStrategy(own: Spec): FieldError[] {
  const { type = '', rollingUpdate } = own?.updateStrategy ?? {};
  const path = spec.child('updateStrategy');
  const place = path.child('rollingUpdate');
  switch (type) {
    case '':
      return [field.required(path)];
    case 'OnDelete':
      return rollingUpdate === undefined
        ? []
        : [field.invalid(place, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")];
    case 'RollingUpdate': {
      const unavailable = place.child('maxUnavailable');
      return [
        ...nonNegative(rollingUpdate?.partition, place.child('partition')),
        ...validateIntOrPercent(rollingUpdate?.maxUnavailable, unavailable),
        ...atMostAll(rollingUpdate?.maxUnavailable, unavailable),
      ];
    }
    default:
      return [field.invalid(path, own?.updateStrategy, "must be 'RollingUpdate' or 'OnDelete'")];
  }
}

function validateRetention(own: Spec): FieldError[] {
  const policy = own?.persistentVolumeClaimRetentionPolicy;
  if (policy === undefined) return [];
  const path = spec.child('persistentVolumeClaimRetentionPolicy');
  return (['whenDeleted', 'whenScaled'] as const).flatMap((name) =>
    oneOf(policy[name], ['Delete', 'Retain'], path.child(name)),
  );
}
