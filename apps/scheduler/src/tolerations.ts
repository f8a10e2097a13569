import { type Taint, type Toleration } from '#api';
import { type DeepReadonly } from '#machinery';

type Tolerations = readonly DeepReadonly<Toleration>[] | undefined;

export function tolerates(toleration: DeepReadonly<Toleration>, taint: DeepReadonly<Taint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true;
    case 'Equal':
    case '':
      return toleration.key !== undefined && (toleration.value ?? '') === (taint.value ?? '');
    case 'Lt':
    case 'Gt':
      return compares(toleration, taint);
    default:
      return false;
  }
}

export function isTolerated(tolerations: Tolerations, taint: DeepReadonly<Taint>): boolean {
  return (tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

/** Numeric taints (KEP-5471): the taint's value must be less or greater than the toleration's. */
function compares(toleration: DeepReadonly<Toleration>, taint: DeepReadonly<Taint>): boolean {
  const [limit, value] = [toleration.value, taint.value].map((text) =>
    /^-?\d+$/.test(text ?? '') ? Number(text) : NaN,
  );
  return toleration.operator === 'Lt' ? Number(value) < Number(limit) : Number(value) > Number(limit);
}
