import { type Namespace, resources } from '#api';
import { nameIsDnsLabel } from '../common/name-rules';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { namespaceValidation } from './namespace-validation';

/** Held by the namespace controller until everything in the namespace is gone. */
const FINALIZER = 'kubernetes';
/** Lets selectors of namespaces name one (KEP-2161). */
const NAME_LABEL = 'kubernetes.io/metadata.name';

export const namespaces: ResourceStrategy<Namespace> = {
  resource: resources.namespaces,
  ...namespaceValidation,
  nameRule: nameIsDnsLabel,

  setDefaults(namespace) {
    labelWithName(namespace);
    namespace.status ??= {};
    namespace.status.phase ||= 'Active';
  },

  prepareForCreate(namespace) {
    // A generated name is known only now.
    labelWithName(namespace);
    namespace.status = { phase: 'Active' };
    const finalizers = ((namespace.spec ??= {}).finalizers ??= []);
    if (!finalizers.includes(FINALIZER)) finalizers.push(FINALIZER);
  },

  prepareForUpdate(namespace, old) {
    // They are changed through the subresource `finalize` only.
    const { finalizers } = old.spec ?? {};
    namespace.spec = { ...namespace.spec, finalizers: [...(finalizers ?? [])] };
    if (finalizers === undefined) delete namespace.spec.finalizers;
  },

  fieldSelectors: { 'status.phase': ({ status }) => status?.phase ?? '' },
  generation: 'none',
  returnsDeletedObject: false,

  heldDeletion: {
    begin(namespace) {
      namespace.status = { ...namespace.status, phase: 'Terminating' };
    },
    isHeld: ({ spec }) => (spec?.finalizers ?? []).length > 0,
  },

  table: tableOf(resources.namespaces, [
    nameColumn,
    {
      name: 'Status',
      about: 'The status of the namespace',
      cell: ({ status }) => status?.phase ?? '',
    },
    ageColumn,
  ]),
};

function labelWithName({ metadata }: Namespace): void {
  if (metadata?.name) (metadata.labels ??= {})[NAME_LABEL] = metadata.name;
}
