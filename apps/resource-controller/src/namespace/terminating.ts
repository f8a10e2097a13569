import { ApiError } from '#machinery';

/** Whether a create was refused because the namespace is going away: then there is nothing left to do in it. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating')
  );
}
