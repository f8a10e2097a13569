import {
  type MutatingAdmissionPolicy,
  type MutatingAdmissionPolicyBinding,
  type ParamKind,
  type ParamRef,
  type Resource,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicyBinding,
  resources,
} from '#api';
import { type DeepReadonly } from '#machinery';
import { keepMetadata } from '../common/status';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { UNSET, selectorText } from '../common/text';
import { type ResourceStrategy, type TableDefinition } from '../strategy';
import {
  mutatingBindingValidation,
  mutatingPolicyValidation,
  validatingBindingValidation,
  validatingPolicyValidation,
} from './policy-validation';
import { setMatchDefaults } from './rules';

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

function setPolicyDefaults({ spec }: Policy): void {
  if (spec === undefined) return;
  spec.failurePolicy ??= 'Fail';
  setMatchDefaults(spec.matchConstraints);
}

function setBindingDefaults({ spec }: Binding): void {
  setMatchDefaults(spec?.matchResources);
}

function paramKindText(kind: DeepReadonly<ParamKind> | undefined): string {
  return kind === undefined ? UNSET : `${kind.apiVersion ?? ''}/${kind.kind ?? ''}`;
}

function paramRefText(reference: DeepReadonly<ParamRef> | undefined): string {
  if (reference === undefined) return UNSET;
  if (reference.name) return `${reference.namespace || '*'}/${reference.name}`;
  return reference.selector === undefined ? UNSET : selectorText(reference.selector);
}

const paramKindColumn = {
  name: 'ParamKind',
  about: 'ParamKind specifies the kind of resources used to parameterize this policy',
  cell: ({ spec }: DeepReadonly<Policy>) => paramKindText(spec?.paramKind),
};

function bindingTable<T extends Binding>(resource: Resource<T>): TableDefinition<T> {
  return tableOf<T>(resource, [
    nameColumn,
    {
      name: 'PolicyName',
      about: 'PolicyName indicates the policy definition which the policy binding binded to',
      cell: ({ spec }: DeepReadonly<Binding>) => spec?.policyName ?? '',
    },
    {
      name: 'ParamRef',
      about: 'ParamRef indicates the param resource which sets the configuration param',
      cell: ({ spec }: DeepReadonly<Binding>) => paramRefText(spec?.paramRef),
    },
    ageColumn,
  ]);
}

export const validatingAdmissionPolicies: ResourceStrategy<ValidatingAdmissionPolicy> = {
  resource: resources.validatingAdmissionPolicies,
  ...validatingPolicyValidation,
  setDefaults: setPolicyDefaults,
  subresources: { status: { prepareForUpdate: keepMetadata } },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  allowUnconditionalUpdate: false,
  table: tableOf(resources.validatingAdmissionPolicies, [
    nameColumn,
    {
      name: 'Validations',
      type: 'integer',
      about: 'Validations indicates the number of validation rules defined in this configuration',
      cell: ({ spec }) => spec?.validations?.length ?? 0,
    },
    paramKindColumn,
    ageColumn,
  ]),
};

export const mutatingAdmissionPolicies: ResourceStrategy<MutatingAdmissionPolicy> = {
  resource: resources.mutatingAdmissionPolicies,
  ...mutatingPolicyValidation,
  setDefaults: setPolicyDefaults,
  generation: 'spec',
  allowUnconditionalUpdate: false,
  table: tableOf(resources.mutatingAdmissionPolicies, [
    nameColumn,
    {
      name: 'Mutations',
      type: 'integer',
      about: 'Mutation indicates the number of mutations rules defined in this configuration',
      cell: ({ spec }) => spec?.mutations?.length ?? 0,
    },
    paramKindColumn,
    ageColumn,
  ]),
};

export const validatingAdmissionPolicyBindings: ResourceStrategy<ValidatingAdmissionPolicyBinding> = {
  resource: resources.validatingAdmissionPolicyBindings,
  ...validatingBindingValidation,
  setDefaults: setBindingDefaults,
  generation: 'spec',
  allowUnconditionalUpdate: false,
  table: bindingTable(resources.validatingAdmissionPolicyBindings),
};

export const mutatingAdmissionPolicyBindings: ResourceStrategy<MutatingAdmissionPolicyBinding> = {
  resource: resources.mutatingAdmissionPolicyBindings,
  ...mutatingBindingValidation,
  setDefaults: setBindingDefaults,
  generation: 'spec',
  allowUnconditionalUpdate: false,
  table: bindingTable(resources.mutatingAdmissionPolicyBindings),
};
