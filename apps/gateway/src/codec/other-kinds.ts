import { findSchema, formatGroupVersion } from '#api';
import { type ApiError, type GroupVersionKind, type StructSchema, badRequest, goQuote } from '#machinery';

/** Groups that upstream serves from schemes of their own, which know no other kinds. */
const separateGroups = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

/** The schema of a kind that is known, but is not what the path is about; undefined if upstream would not know it there. */
export function otherSchema(actual: GroupVersionKind, expected: GroupVersionKind): StructSchema | undefined {
  const isSeparate = separateGroups.has(actual.group) || separateGroups.has(expected.group);
  if (isSeparate && actual.group !== expected.group) return undefined;
  return findSchema(actual.group, actual.version, actual.kind);
}

/** What upstream says after it has decoded such an object. */
export function otherKind(actual: GroupVersionKind, expected: GroupVersionKind): ApiError {
  if (isSameInside(actual, expected)) {
    const [given, wanted] = [actual, expected].map(({ group, version }) => formatGroupVersion(group, version));
    return badRequest(`the API version in the data (${given}) does not match the expected API version (${wanted})`);
  }
  const from = `${actual.version}.${actual.kind}`;
  const to = `${internalPackage(expected)}.${expected.kind}`;
  return badRequest(
    `${actual.kind} in version ${goQuote(actual.version)} cannot be handled as a ${expected.kind}: converting (${from}) to (${to}): unknown conversion`,
  );
}

/** Versions of one kind, which upstream holds in one form: autoscalers, events. */
function isSameInside(actual: GroupVersionKind, expected: GroupVersionKind): boolean {
  return actual.kind === expected.kind && internalPackage(actual) === internalPackage(expected);
}

function internalPackage({ group, kind }: GroupVersionKind): string {
  if (group === '' || (group === 'events.k8s.io' && kind === 'Event')) return 'core';
  return group.split('.')[0] ?? '';
}
