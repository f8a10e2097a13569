import { type CertificateSigningRequest, type CertificateSigningRequestCondition } from '#api';
import {
  type DeepReadonly,
  FieldPath,
  type FieldError,
  field,
  isDns1123Label,
  isDns1123Subdomain,
  jsonEquals,
} from '#machinery';
import { isKeyUsage, keyUsageNames, readCertificates } from '#pki';
import { each } from '../validation/checks';
import { parseRequest } from './parse-request';

type Request = DeepReadonly<CertificateSigningRequest>;
type Condition = DeepReadonly<CertificateSigningRequestCondition>;

const legacySigner = 'kubernetes.io/legacy-unknown';
const minimumSeconds = 600;
const decisions = ['Approved', 'Denied'] as const;
const finalTypes = [...decisions, 'Failed'];

/** What only one of the ways to update a request may do. */
export interface UpdateRights {
  readonly decides?: boolean;
  readonly issues?: boolean;
}

/** `ValidateCertificateSigningRequestCreate`. */
export function validateRequest(request: Request): readonly FieldError[] {
  return [...validateSpec(request, undefined), ...validateStatus(request, undefined)];
}

/** `ValidateCertificateSigningRequest…Update`: what is there already is tolerated, decisions and certificates are final. */
export function validateRequestUpdate(
  request: Request,
  old: Request,
  rights: UpdateRights = {},
): readonly FieldError[] {
  const errors = [...validateSpec(request, old), ...validateStatus(request, old)];
  const conditions = FieldPath.of('status').child('conditions');
  for (const type of finalTypes) {
    if (conditionsOf(request, type).length < conditionsOf(old, type).length) {
      errors.push(field.forbidden(conditions, `updates may not remove a condition of type "${type}"`));
    }
  }
  if (rights.decides !== true) errors.push(...undecided(request, old, conditions));
  const [before, after] = [old.status?.certificate ?? '', request.status?.certificate ?? ''];
  if (before !== after) {
    const certificate = FieldPath.of('status').child('certificate');
    if (rights.issues !== true) {
      errors.push(field.forbidden(certificate, 'updates may not set certificate content'));
    } else if (before !== '') {
      errors.push(field.forbidden(certificate, 'updates may not modify existing certificate content'));
    }
  }
  return errors;
}

function undecided(request: Request, old: Request, path: FieldPath): FieldError[] {
  return decisions.flatMap((type) => {
    const [before, after] = [conditionsOf(old, type), conditionsOf(request, type)];
    if (after.length > before.length) {
      return [field.forbidden(path, `updates may not add a condition of type "${type}"`)];
    }
    return after.length < before.length || jsonEquals(before, after)
      ? []
      : [field.forbidden(path, `updates may not modify a condition of type "${type}"`)];
  });
}

function conditionsOf({ status }: Request, type: string): readonly Condition[] {
  return (status?.conditions ?? []).filter((condition) => condition.type === type);
}

function validateSpec({ spec }: Request, old: Request | undefined): FieldError[] {
  const path = FieldPath.of('spec');
  const errors: FieldError[] = [];
  const parsed = parseRequest(spec.request);
  if (typeof parsed === 'string') errors.push(field.invalid(path.child('request'), spec.request || null, parsed));
  errors.push(...validateUsages(spec.usages ?? [], old?.spec.usages ?? [], path.child('usages')));
  if (spec.signerName === legacySigner && old?.spec.signerName !== legacySigner) {
    const detail = 'the legacy signerName is not allowed via this API version';
    errors.push(field.invalid(path.child('signerName'), spec.signerName, detail));
  } else if (spec.signerName !== legacySigner) {
    errors.push(...validateSignerName(spec.signerName ?? '', path.child('signerName')));
  }
  const { expirationSeconds } = spec;
  if (expirationSeconds !== undefined && expirationSeconds < minimumSeconds) {
    const detail = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.push(field.invalid(path.child('expirationSeconds'), expirationSeconds, detail));
  }
  return errors;
}

function validateUsages(usages: readonly string[], old: readonly string[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = usages.length === 0 ? [field.required(path, '')] : [];
  if (old.every(isKeyUsage)) {
    errors.push(
      ...each(usages, path, (usage, at) => (isKeyUsage(usage) ? [] : [field.notSupported(at, usage, keyUsageNames)])),
    );
  }
  if (new Set(old).size === old.length) {
    errors.push(
      ...each(usages, path, (usage, at, index) => (usages.indexOf(usage) < index ? [field.duplicate(at, usage)] : [])),
    );
  }
  return errors;
}

/** `example.com/name`, where the name may be `<namespace>.<name>`. */
function validateSignerName(name: string, path: FieldPath): FieldError[] {
  if (name === '') return [field.required(path, '')];
  const [domain = '', signer = '', ...more] = name.split('/');
  if (!name.includes('/') || more.length > 0) {
    const detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [field.invalid(path, name, detail)];
  }
  const errors: FieldError[] = [];
  const labels = domain.split('.');
  if (domain.length > 253) errors.push(field.tooLong(path, 253));
  errors.push(...firstBadLabel(labels, domain, path, isDns1123Label));
  if (labels.length < 2) {
    errors.push(field.invalid(path, domain, 'should be a domain with at least two segments separated by dots'));
  }
  errors.push(...firstBadLabel(signer.split('.'), signer, path, isDns1123Subdomain));
  if (name.length > 571) errors.push(field.tooLong(path, 571));
  return errors;
}

function firstBadLabel(
  labels: readonly string[],
  segment: string,
  path: FieldPath,
  check: (label: string) => readonly string[],
): FieldError[] {
  for (const label of labels) {
    const problems = check(label);
    if (problems.length > 0) {
      return problems.map((problem) => field.invalid(path, segment, `validating label "${label}": ${problem}`));
    }
  }
  return [];
}

function validateStatus({ status }: Request, old: Request | undefined): FieldError[] {
  const path = FieldPath.of('status');
  const errors = validateConditions(status?.conditions ?? [], old?.status?.conditions ?? [], path.child('conditions'));
  const [before, after] = [old?.status?.certificate ?? '', status?.certificate ?? ''];
  if (after === '' || (old !== undefined && (before === after || certificateProblem(before) !== undefined)))
    return errors;
  const problem = certificateProblem(after);
  if (problem !== undefined) errors.push(field.invalid(path.child('certificate'), '<certificate data>', problem));
  return errors;
}

function certificateProblem(certificate: string): string | undefined {
  if (certificate === '') return undefined;
  try {
    readCertificates(Buffer.from(certificate, 'base64').toString('latin1'));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function validateConditions(
  conditions: readonly Condition[],
  old: readonly Condition[],
  path: FieldPath,
): FieldError[] {
  const oldTypes = old.map(({ type }) => type);
  const mayRepeat = new Set(oldTypes).size < oldTypes.length;
  const mayContradict = decisions.every((type) => oldTypes.includes(type));
  const mayBeNameless = oldTypes.includes('');
  return each(conditions, path, ({ type = '', status = '' }, at, index) => {
    const errors: FieldError[] = [];
    const earlier = conditions.slice(0, index).map((condition) => condition.type ?? '');
    if (type === '' && !mayBeNameless) errors.push(field.required(at.child('type'), ''));
    const allowed = finalTypes.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (status === '') errors.push(field.required(at.child('status'), ''));
    else if (!allowed.includes(status)) errors.push(field.notSupported(at.child('status'), status, allowed));
    const opposite = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined;
    if (!mayContradict && opposite !== undefined && earlier.includes(opposite)) {
      const detail = 'Approved and Denied conditions are mutually exclusive';
      errors.push(field.invalid(at.child('type'), type, detail));
    }
    if (!mayRepeat && earlier.includes(type)) errors.push(field.duplicate(at.child('type'), type));
    return errors;
  });
}
