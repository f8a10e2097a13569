import { aggregate, type FieldError, formatFieldError } from './field-errors';
import { goQuote } from './go-text';
import { formatGroupKind, formatGroupResource, type GroupKind, type GroupResource } from './kinds';
import { ApiError, type StatusDetails, type StatusReason } from './status';

/**
 * The errors of upstream's `apimachinery/pkg/api/errors`: same codes, reasons, details and texts. Each function returns
 * the error; the caller throws it.
 */

function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  });
}

/** Details with the empty parts left out, as Go's `omitempty` does. */
function detailsOf(group: string, kind: string, name: string, more: StatusDetails = {}): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(kind === '' ? {} : { kind }),
    ...more,
  };
}

function resourceDetails({ group, resource }: GroupResource, name: string, more?: StatusDetails): StatusDetails {
  return detailsOf(group, resource, name, more);
}

/** 404: `pods "x" not found`. */
export function notFound(resource: GroupResource, name: string): ApiError {
  const message = `${formatGroupResource(resource)} ${goQuote(name)} not found`;
  return failure(404, 'NotFound', message, resourceDetails(resource, name));
}

/** 409: `pods "x" already exists`. */
export function alreadyExists(resource: GroupResource, name: string): ApiError {
  const message = `${formatGroupResource(resource)} ${goQuote(name)} already exists`;
  return failure(409, 'AlreadyExists', message, resourceDetails(resource, name));
}

/** 409 for a create while the previous object of that name still has finalizers or a grace period. */
export function beingDeleted(resource: GroupResource, name: string): ApiError {
  const message = `object is being deleted: ${formatGroupResource(resource)} ${goQuote(name)} already exists`;
  return failure(409, 'AlreadyExists', message, resourceDetails(resource, name));
}

/** 409 after several attempts to make a name from `generateName`. */
export function generateNameConflict(resource: GroupResource, name: string, retryAfterSeconds: number): ApiError {
  const message = `${formatGroupResource(resource)} ${goQuote(name)} already exists, the server was not able to generate a unique name for the object`;
  return failure(409, 'AlreadyExists', message, resourceDetails(resource, name, { retryAfterSeconds }));
}

/** The cause of a conflict by resourceVersion. */
export const optimisticLockText =
  'the object has been modified; please apply your changes to the latest version and try again';

/** 409: `Operation cannot be fulfilled on pods "x": …`. */
export function conflict(resource: GroupResource, name: string, cause: string = optimisticLockText): ApiError {
  const message = `Operation cannot be fulfilled on ${formatGroupResource(resource)} ${goQuote(name)}: ${cause}`;
  return failure(409, 'Conflict', message, resourceDetails(resource, name));
}

/** 422: `Pod "x" is invalid: [a, b]`; a single error stands without brackets. */
export function invalid(kind: GroupKind, name: string, errors: readonly FieldError[]): ApiError {
  const head = `${formatGroupKind(kind)} ${goQuote(name)} is invalid`;
  const message = errors.length === 0 ? head : `${head}: ${aggregate(errors.map(formatFieldError))}`;
  const causes = errors.map(({ reason, message: text, field }) => ({ reason, message: text, field }));
  return failure(
    422,
    'Invalid',
    message,
    detailsOf(kind.group, kind.kind, name, causes.length === 0 ? {} : { causes }),
  );
}

export function badRequest(message: string): ApiError {
  return failure(400, 'BadRequest', message);
}

/** 403: `pods "x" is forbidden: …`. An empty name or resource is left out of the text. */
export function forbidden(resource: GroupResource, name: string, cause: string): ApiError {
  const subject = resource.resource === '' ? '' : `${formatGroupResource(resource)} `;
  const quoted = subject === '' || name === '' ? '' : `${goQuote(name)} `;
  const message = subject === '' ? `forbidden: ${cause}` : `${subject}${quoted}is forbidden: ${cause}`;
  return failure(403, 'Forbidden', message, resourceDetails(resource, name));
}

/** 401. The server says `Unauthorized` and no more, so that it does not help to guess. */
export function unauthorized(message = 'Unauthorized'): ApiError {
  return failure(401, 'Unauthorized', message);
}

/** 405 for a verb that this kind does not have: `update is not supported on resources of kind "pods"`. */
export function methodNotSupported(resource: GroupResource, action: string): ApiError {
  const message = `${action} is not supported on resources of kind ${goQuote(formatGroupResource(resource))}`;
  return failure(405, 'MethodNotAllowed', message, resourceDetails(resource, ''));
}

/** 504: the request took too long; it may or may not have had an effect. */
export function timeout(message: string, retryAfterSeconds = 0): ApiError {
  return failure(504, 'Timeout', `Timeout: ${message}`, retryAfter(retryAfterSeconds));
}

/** 504 as the server's own deadline gives it: the message without a prefix. */
export function requestTimeout(message: string): ApiError {
  return failure(504, 'Timeout', message, {});
}

/** 500: the request could not be finished now and can be repeated. */
export function serverTimeout(resource: GroupResource, operation: string, retryAfterSeconds = 0): ApiError {
  const message = `The ${operation} operation against ${formatGroupResource(resource)} could not be completed at this time, please try again.`;
  return failure(500, 'ServerTimeout', message, resourceDetails(resource, operation, retryAfter(retryAfterSeconds)));
}

/** 410: the resourceVersion or continue token is too old. */
export function expired(message: string): ApiError {
  return failure(410, 'Expired', message);
}

/** 410: it existed and never will again. */
export function gone(message: string): ApiError {
  return failure(410, 'Gone', message);
}

/** 429. Evictions and priority levels answer with it. */
export function tooManyRequests(message: string, retryAfterSeconds = 0): ApiError {
  return failure(429, 'TooManyRequests', message, retryAfter(retryAfterSeconds));
}

export function serviceUnavailable(message: string): ApiError {
  return failure(503, 'ServiceUnavailable', message);
}

/** 500: `Internal error occurred: …`, with the cause in the details. */
export function internalError(cause: string): ApiError {
  return failure(500, 'InternalError', `Internal error occurred: ${cause}`, { causes: [{ message: cause }] });
}

/** What upstream makes of a Go error that is no Status: 500 with the bare text and no reason. */
export function unknownError(message: string): ApiError {
  return failure(500, '', message);
}

/** 413: `Request entity too large: …`. */
export function requestEntityTooLarge(message: string): ApiError {
  return failure(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`);
}

/** 415 for a body in a media type that nobody decodes. */
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return failure(415, 'UnsupportedMediaType', message);
}

/** 406 for an Accept header that nothing satisfies. */
export function notAcceptable(accepted: readonly string[]): ApiError {
  return failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
}

/** Code → reason and text of `NewGenericServerResponse`, where the code alone is known. */
const genericResponses: Readonly<Record<number, readonly [StatusReason, string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  403: ['Forbidden', 'the server does not allow access to the requested resource'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  406: ['NotAcceptable', 'the server was unable to respond with a content type that the client supports'],
  409: ['Conflict', 'the server reported a conflict'],
  415: ['UnsupportedMediaType', 'the server was unable to respond with a content type that the client supports'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  500: ['InternalError', 'an error on the server has prevented the request from succeeding'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};

/** An error of which only the code is known: an unknown path, a patch that does not apply. */
export function genericServerResponse(code: number): ApiError {
  const [reason, message] = genericResponses[code] ?? [
    '',
    `the server responded with the status code ${code} but did not return more information`,
  ];
  return failure(code, reason, message, {});
}

function retryAfter(seconds: number): StatusDetails | undefined {
  return seconds > 0 ? { retryAfterSeconds: seconds } : {};
}
