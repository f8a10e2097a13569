import { type DeepReadonly, type KubernetesObject } from '#machinery';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

type WithStatus = DeepReadonly<KubernetesObject> & {
  readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number };
};

/** `Ready` means `Ready=True`; as with kubectl, case does not matter. */
export function parseCondition(text: string): { readonly type: string; readonly status: string } {
  const match = /^([A-Za-z0-9./_-]+)(?:=(True|False|Unknown))?$/i.exec(text);
  if (match === null)
    throw new TypeError(`${JSON.stringify(text)} is no condition: use 'Ready', 'Ready=False' or 'deleted'`);
  return { type: match[1] ?? '', status: match[2] ?? 'True' };
}

/** As kubectl: what was said of an older generation does not count. */
export function hasCondition(
  object: DeepReadonly<KubernetesObject>,
  wanted: { readonly type: string; readonly status: string },
): boolean {
  const { status } = object as WithStatus;
  const found = status?.conditions?.find(({ type }) => isSame(type, wanted.type));
  if (found === undefined || !isSame(found.status, wanted.status)) return false;
  const seen = found.observedGeneration ?? status?.observedGeneration;
  return seen === undefined || seen >= (object.metadata?.generation ?? 0);
}

/** A line each: `Available=False MinimumReplicasUnavailable: Deployment does not have minimum availability.` */
export function conditionLines(object: DeepReadonly<KubernetesObject>): string[] {
  return ((object as WithStatus).status?.conditions ?? []).map(
    ({ type, status, reason = '', message = '' }) =>
      `${type}=${status} ${reason}${message === '' ? '' : `: ${message}`}`,
  );
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
