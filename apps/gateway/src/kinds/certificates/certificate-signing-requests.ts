import { type CertificateSigningRequest, type CertificateSigningRequestCondition, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { humanDuration } from '../common/duration';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { validateRequest, validateRequestUpdate } from './validation';

type Condition = CertificateSigningRequestCondition;

export const certificateSigningRequests: ResourceStrategy<CertificateSigningRequest> = {
  resource: resources.certificateSigningRequests,

  prepareForCreate({ spec }, { user }) {
    // Who asks is for the server to say.
    spec.username = user.name;
    spec.groups = [...user.groups];
    if (user.uid) spec.uid = user.uid;
    else delete spec.uid;
    const extra = Object.entries(user.extra ?? {});
    if (extra.length > 0) spec.extra = Object.fromEntries(extra.map(([key, values]) => [key, [...values]]));
    else delete spec.extra;
  },

  prepareForUpdate(request, old) {
    request.spec = old.spec as CertificateSigningRequest['spec'];
  },

  // As in upstream 1.36, whose tracking of fields fails for this kind.
  tracksOwnership: false,
  validateCreate: validateRequest,
  validateUpdate: (request, old) => validateRequestUpdate(request, old),

  subresources: {
    status: {
      prepareForUpdate(request, old, { now }) {
        // Approval and denial are given through the other subresource.
        const given = request.status?.conditions ?? [];
        const decided = (old.status?.conditions ?? []).filter(isDecision) as Condition[];
        const conditions = [...given.filter((condition) => !isDecision(condition)), ...decided];
        if (conditions.length > 0) request.status = { ...request.status, conditions };
        stampConditions(request, old, now);
      },
      validateUpdate: (request, old) => validateRequestUpdate(request, old, { issues: true }),
    },
    approval: {
      prepareForUpdate(request, old, { now }) {
        request.spec = old.spec as CertificateSigningRequest['spec'];
        const conditions = request.status?.conditions;
        const { conditions: _old, ...status } = (old.status ?? {}) as NonNullable<CertificateSigningRequest['status']>;
        request.status = conditions === undefined ? status : { ...status, conditions };
        stampConditions(request, old, now);
      },
      validateUpdate: (request, old) => validateRequestUpdate(request, old, { decides: true }),
    },
  },

  fieldSelectors: { 'spec.signerName': ({ spec }) => spec.signerName },
  generation: 'none',

  table: tableOf(resources.certificateSigningRequests, [
    nameColumn,
    ageColumn,
    { name: 'SignerName', about: '.spec.signerName', cell: ({ spec }) => spec.signerName || NONE },
    { name: 'Requestor', about: '.spec.username', cell: ({ spec }) => spec.username ?? '' },
    {
      name: 'RequestedDuration',
      about: '.spec.expirationSeconds',
      cell: ({ spec }) => (spec.expirationSeconds === undefined ? NONE : humanDuration(spec.expirationSeconds * 1000)),
    },
    { name: 'Condition', about: '.status.conditions', cell: conditionText },
  ]),
};

function isDecision({ type }: DeepReadonly<Condition>): boolean {
  return type === 'Approved' || type === 'Denied';
}

/** Conditions say when they were set, and since when they hold. */
function stampConditions(
  { status }: CertificateSigningRequest,
  old: DeepReadonly<CertificateSigningRequest>,
  now: string,
): void {
  if (status?.conditions === undefined) return;
  status.conditions = status.conditions.map((condition) => {
    const before = (old.status?.conditions ?? []).find(
      (candidate) => candidate.type === condition.type && candidate.status === condition.status,
    );
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? before?.lastTransitionTime ?? now,
    };
  });
}

function conditionText({ status }: DeepReadonly<CertificateSigningRequest>): string {
  const has = (wanted: string): boolean => (status?.conditions ?? []).some(({ type }) => type === wanted);
  const parts = [has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'];
  if (has('Failed')) parts.push('Failed');
  if (status?.certificate) parts.push('Issued');
  return parts.join(',');
}
