import { ApiError, type StatusCause } from '../status';
import { type FieldSet, membersOf } from './field-set';
import { type FieldManager, formatManager, managerId } from './managers';
import { formatPath } from './path-element';

/** Fields of one manager that an apply would change. */
export interface Conflict {
  readonly manager: FieldManager;
  readonly fields: FieldSet;
}

/** 409: `Apply failed with 1 conflict: conflict with "m" using v1: .data.a`. */
export function aggregateConflicts(conflicts: readonly Conflict[]): ApiError {
  const sorted = conflicts
    .map(({ manager, fields }) => ({ manager, paths: [...membersOf(fields)].map(formatPath) }))
    .filter(({ paths }) => paths.length > 0)
    .sort((a, b) => (managerId(a.manager) < managerId(b.manager) ? -1 : 1));
  const causes = sorted.flatMap(({ manager, paths }) =>
    paths.map((field): StatusCause => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${formatManager(manager)}`,
      field,
    })),
  );
  const [first] = causes;
  const message =
    causes.length === 1 && first !== undefined
      ? `Apply failed with 1 conflict: ${first.message}: ${first.field}`
      : `Apply failed with ${causes.length} conflicts: ${sorted.map(describe).join('\n')}`;
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Conflict',
    details: { causes },
    code: 409,
  });
}

function describe({ manager, paths }: { manager: FieldManager; paths: readonly string[] }): string {
  return [`conflicts with ${formatManager(manager)}:`, ...paths.map((path) => `- ${path}`)].join('\n');
}
