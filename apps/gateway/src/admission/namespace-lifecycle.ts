import { type Namespace, resources } from '#api';
import { ApiError, type DeepReadonly, forbidden, type GroupResource, notFound } from '#machinery';
import { type AdmissionPlugin, type AdmissionRequest, type LookUp } from './admission';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** Nothing is created in a namespace that is missing or going away; some namespaces stay for ever. */
export function namespaceLifecycle(namespaces: GroupResource, lookUp: LookUp<Namespace>): AdmissionPlugin {
  const check = (request: AdmissionRequest): void | Promise<void> => {
    const { operation, resource, namespace, name } = request;
    const { plural, group } = resource.definition;
    const isNamespace = group === '' && plural === resources.namespaces.plural;
    if (operation === 'DELETE') {
      if (isNamespace && immortal.has(name)) {
        throw forbidden(resource.groupResource, name, 'this namespace may not be deleted');
      }
      return;
    }
    if (!resource.definition.namespaced || operation !== 'CREATE' || group === 'authorization.k8s.io') return;
    const judge = (found: DeepReadonly<Namespace> | undefined): void => {
      if (found === undefined) throw notFound(namespaces, namespace);
      if (found.metadata?.deletionTimestamp === undefined && found.status?.phase !== 'Terminating') return;
      throw terminating(request);
    };
    const found = lookUp('', namespace);
    return found instanceof Promise ? found.then(judge) : judge(found);
  };
  return { name: 'NamespaceLifecycle', mutate: check, validate: check };
}

function terminating({ resource, namespace, object, name }: AdmissionRequest): ApiError {
  const shown = name === '' ? (object?.metadata?.generateName ?? '') : name;
  const { status } = forbidden(
    resource.groupResource,
    shown,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  return new ApiError({
    ...status,
    details: {
      ...status.details,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  });
}
