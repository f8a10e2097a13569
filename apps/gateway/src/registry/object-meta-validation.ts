import {
  type DeepReadonly,
  type FieldError,
  FieldPath,
  type GroupResource,
  type ObjectMeta,
  type OwnerReference,
  field,
  isDns1123Label,
  isQualifiedName,
  kindOf,
  validateLabels,
} from '#machinery';
import { type NameRule } from '../kinds/strategy';

const metadata = FieldPath.of('metadata');
const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);
const maximumAnnotationBytes = 256 * 1024;

/** `ValidateObjectMeta`: the rules for metadata of a new object. */
export function validateObjectMeta(
  meta: DeepReadonly<ObjectMeta>,
  namespaced: boolean,
  nameRule: NameRule,
): FieldError[] {
  const errors: FieldError[] = [];
  const { name = '', generateName = '', namespace = '' } = meta;
  if (generateName !== '') {
    for (const message of nameRule(generateName, true)) {
      errors.push(field.invalid(metadata.child('generateName'), generateName, message));
    }
  }
  if (name === '') {
    errors.push(field.required(metadata.child('name'), 'name or generateName is required'));
  } else {
    for (const message of nameRule(name, false)) errors.push(field.invalid(metadata.child('name'), name, message));
  }
  if (namespaced) {
    if (namespace === '') errors.push(field.required(metadata.child('namespace')));
    for (const message of namespace === '' ? [] : isDns1123Label(namespace)) {
      errors.push(field.invalid(metadata.child('namespace'), namespace, message));
    }
  } else if (namespace !== '') {
    errors.push(field.forbidden(metadata.child('namespace'), 'not allowed on this type'));
  }
  if ((meta.generation ?? 0) < 0) {
    errors.push(field.invalid(metadata.child('generation'), meta.generation, 'must be greater than or equal to 0'));
  }
  return [...errors, ...validateCommon(meta), ...validateFinalizers(meta.finalizers ?? [])];
}

/** `ValidateObjectMetaUpdate`: what may not change. */
export function validateObjectMetaUpdate(meta: DeepReadonly<ObjectMeta>, old: DeepReadonly<ObjectMeta>): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer)).sort();
    if (added.length > 0) {
      const list = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
      errors.push(
        field.forbidden(
          metadata.child('finalizers'),
          `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
        ),
      );
    }
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(field.invalid(metadata.child('generation'), meta.generation ?? 0, 'must not be decremented'));
  }
  const immutable = [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const;
  for (const name of immutable) {
    if ((meta[name] ?? undefined) !== (old[name] ?? undefined))
      errors.push(field.invalid(metadata.child(name), meta[name], 'field is immutable'));
  }
  return [...errors, ...validateCommon(meta)];
}

/** Kinds whose own rules for an update leave the metadata to the rules of all kinds. */
const checkedOnce = new Set(['/events', '/limitranges', '/persistentvolumes', 'discovery.k8s.io/endpointslices']);

/** How often upstream reports what is wrong with metadata: by the rules of most kinds, and again by those of all kinds. */
export function metadataChecks({ group, resource }: GroupResource): number {
  if (group === 'apps' && resource === 'deployments') return 3;
  return checkedOnce.has(`${group}/${resource}`) ? 1 : 2;
}

function validateCommon(meta: DeepReadonly<ObjectMeta>): FieldError[] {
  return [
    ...validateLabels(meta.labels, metadata.child('labels')),
    ...validateAnnotations(meta.annotations),
    ...validateOwnerReferences(meta.ownerReferences ?? []),
  ];
}

function validateAnnotations(annotations: Readonly<Record<string, string>> = {}): FieldError[] {
  const path = metadata.child('annotations');
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(field.invalid(path, key, message));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > maximumAnnotationBytes) errors.push(field.tooLong(path, maximumAnnotationBytes));
  return errors;
}

function validateOwnerReferences(references: readonly DeepReadonly<OwnerReference>[]): FieldError[] {
  const path = metadata.child('ownerReferences');
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const reference of references) {
    const { group, version, kind } = kindOf(reference);
    if (version === '') {
      errors.push(field.invalid(path.child('apiVersion'), reference.apiVersion, 'version must not be empty'));
    }
    if (kind === '') errors.push(field.invalid(path.child('kind'), reference.kind, 'must not be empty'));
    if (!reference.name) errors.push(field.invalid(path.child('name'), reference.name, 'must not be empty'));
    if (!reference.uid) errors.push(field.invalid(path.child('uid'), reference.uid, 'must not be empty'));
    if (group === '' && version === 'v1' && kind === 'Event') {
      errors.push(field.invalid(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (reference.controller === true) {
      if (controller !== undefined) {
        const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${reference.kind}/${reference.name}`;
        errors.push(field.invalid(path, references, detail));
      }
      controller ??= `${reference.kind}/${reference.name}`;
    }
  }
  return errors;
}

function validateFinalizers(finalizers: readonly string[]): FieldError[] {
  const path = metadata.child('finalizers');
  const errors: FieldError[] = [];
  finalizers.forEach((finalizer, index) => {
    const messages = isQualifiedName(finalizer);
    if (messages.length === 0 && !finalizer.includes('/') && !standardFinalizers.has(finalizer)) {
      const detail = 'name is neither a standard finalizer name nor is it fully qualified';
      errors.push(field.invalid(path.index(index), finalizer, detail));
    }
    for (const message of messages) errors.push(field.invalid(path, finalizer, message));
  });
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(field.invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}
