import { type FieldError, badRequest, field, goQuote, invalid, unknownError } from '#machinery';
import { isTrue } from './request-info';

/** Query parameters of LIST, WATCH and deletecollection, `meta.k8s.io` ListOptions. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly timeoutSeconds: number | undefined;
  /** 0: no limit. */
  readonly limit: number;
  readonly continue: string;
}

/** @throws BadRequest or Invalid with upstream's texts. */
export function parseListOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const sendInitialEvents = query.get('sendInitialEvents');
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    watch,
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    timeoutSeconds: integer(query.get('timeoutSeconds')),
    limit: Math.max(0, integer(query.get('limit')) ?? 0),
    continue: query.get('continue') ?? '',
  };
  const errors = watch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  return options;
}

function listErrors(options: ListOptions): FieldError[] {
  const { resourceVersion, resourceVersionMatch: match, sendInitialEvents } = options;
  const path = 'resourceVersionMatch';
  const errors: FieldError[] = [];
  if (match !== '') {
    if (resourceVersion === '') {
      errors.push(field.forbidden(path, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (options.continue !== '') {
      errors.push(field.forbidden(path, 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(field.notSupported(path, match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(field.forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (sendInitialEvents !== undefined) {
    errors.push(field.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function watchErrors(options: ListOptions): FieldError[] {
  const { resourceVersionMatch: match, sendInitialEvents } = options;
  const path = 'resourceVersionMatch';
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(field.forbidden(path, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (match !== '') {
    if (sendInitialEvents === undefined) {
      errors.push(
        field.forbidden(path, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
      );
    }
    if (match !== 'NotOlderThan') errors.push(field.notSupported(path, match, ['NotOlderThan']));
    if (options.continue !== '') {
      errors.push(field.forbidden(path, 'resourceVersionMatch is forbidden when continue is provided'));
    }
  }
  return errors;
}

/** Go's `strconv.ParseInt`. */
function integer(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  const value = Number(text);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: value out of range`);
  }
  return value;
}

/** A resourceVersion parameter as a revision; '' and '0' are 0. @throws the Status that `wrap` makes of upstream's text. */
export function parseRevision(text: string, wrap: 'list' | 'other'): number {
  if (text === '') return 0;
  if (/^\d+$/.test(text)) {
    const value = Number(text);
    if (Number.isSafeInteger(value)) return value;
  }
  const cause = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
  const message = `resourceVersion: Invalid value: ${goQuote(text)}: strconv.ParseUint: parsing ${goQuote(text)}: ${cause}`;
  throw wrap === 'list' ? badRequest(`invalid resource version: ${message}`) : unknownError(message);
}

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** Query parameters of create, update and patch. */
export interface WriteOptions {
  readonly dryRun: boolean;
  /** '' if the client named none. */
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean | undefined;
}

type WriteOptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions';

/** @throws Invalid with upstream's texts. */
export function parseWriteOptions(query: URLSearchParams, kind: WriteOptionsKind, isApply = false): WriteOptions {
  const dryRun = query.getAll('dryRun');
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  const forceText = query.get('force');
  const force = forceText === null ? undefined : isTrue(forceText);
  const errors: FieldError[] = [];
  if (kind === 'PatchOptions') {
    if (isApply && fieldManager === '') {
      errors.push(field.required('fieldManager', 'is required for apply patch'));
    } else if (!isApply && force !== undefined) {
      errors.push(field.forbidden('force', 'may not be specified for non-apply patch'));
    }
  }
  errors.push(...fieldManagerErrors(fieldManager), ...dryRunErrors(dryRun));
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(fieldValidation)) {
    errors.push(field.notSupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Warn', 'Strict']));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as FieldValidation),
    force,
  };
}

function fieldManagerErrors(fieldManager: string): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(fieldManager) > 128) errors.push(field.tooLong('fieldManager', 128));
  const unprintable = [...fieldManager].findIndex((character) => /[\p{C}\p{Z}]/u.test(character) && character !== ' ');
  if (unprintable >= 0) {
    const character = [...fieldManager][unprintable] ?? '';
    const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const detail = `invalid character U+${point} (at position ${unprintable})`;
    errors.push(field.invalid('fieldManager', fieldManager, detail));
  }
  return errors;
}

export function dryRunErrors(dryRun: readonly string[]): FieldError[] {
  return dryRun.every((value) => value === 'All') ? [] : [field.notSupported('dryRun', dryRun, ['All'])];
}
