import {
  type DeepReadonly,
  type FieldRequirement,
  type KubernetesObject,
  type LabelMatcher,
  SelectorError,
  badRequest,
  fieldsMatch,
  goQuote,
  matchEverything,
  parseFieldSelector,
  parseLabelSelector,
} from '#machinery';
import { type ServedResource } from './served-resource';

const noLabels = {};

/** Which objects of a resource a list, watch or deletion is about. */
export interface Selection {
  readonly labels: LabelMatcher;
  readonly fields: readonly FieldRequirement[];
  readonly isEverything: boolean;
  matches(object: DeepReadonly<KubernetesObject>): boolean;
}

/** @throws BadRequest for selectors that do not parse or name unknown fields. */
export function parseSelection(
  resource: ServedResource,
  labelSelector: string,
  fieldSelector: string,
  name = '',
): Selection {
  try {
    const labels = labelSelector === '' ? matchEverything : parseLabelSelector(labelSelector);
    const fields = [
      // `=` alone selects everything.
      ...(fieldSelector === '' ? [] : parseFieldSelector(fieldSelector).filter(({ field }) => field !== '')),
      ...(name === '' ? [] : [{ field: 'metadata.name', negated: false, value: name }]),
    ];
    for (const { field } of fields) requireKnown(resource, field);
    const selectsLabels = labelSelector !== '' && labels !== matchEverything;
    return {
      labels,
      fields,
      isEverything: !selectsLabels && fields.length === 0,
      matches: (object) =>
        (!selectsLabels || labels.matches(object.metadata?.labels ?? noLabels)) &&
        (fields.length === 0 || fieldsMatch(fields, (field) => resource.fieldValue(field, object))),
    };
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

function requireKnown(resource: ServedResource, field: string): void {
  if (field === 'metadata.name' || field === 'metadata.namespace') return;
  if (resource.fieldGetter(field) !== undefined) return;
  const { fieldSelectors } = resource.strategy;
  if (fieldSelectors === undefined) {
    throw badRequest(`${goQuote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
  }
  throw badRequest(resource.strategy.unknownFieldMessage?.(field) ?? `field label not supported: ${field}`);
}
