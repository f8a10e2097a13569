import { type ObjectResult } from '../request/api-result';

/** 201 with a Status, for subresources that do something rather than create something. */
export function createdStatus(warnings: readonly string[] = []): ObjectResult {
  const object = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return { type: 'object', status: 201, object, warnings };
}
