import { ApiError } from '#machinery';

/** Nothing can be created any more, and nothing needs to be: the namespace is going away. */
export function isNamespaceTerminating(error: unknown): boolean {
  const causes = error instanceof ApiError ? (error.status.details?.causes ?? []) : [];
  return causes.some(({ reason }) => reason === 'NamespaceTerminating');
}
