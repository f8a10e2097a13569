/** The parts of `v1.Taint` that decide. */
export interface TaintLike {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** The parts of `v1.Toleration` that decide. */
export interface TolerationLike {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

export function tolerates(toleration: TolerationLike, taint: TaintLike): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? '') {
    case 'Exists':
      return true;
    case 'Equal':
    case '':
      return (toleration.key ?? '') !== '' && (toleration.value ?? '') === (taint.value ?? '');
    case 'Lt':
    case 'Gt':
      return compares(toleration, taint);
    default:
      return false;
  }
}

/** Whether any of the tolerations tolerates the taint. */
export function isTolerated(tolerations: readonly TolerationLike[] | undefined, taint: TaintLike): boolean {
  return (tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

/** Numeric taints (KEP-5471): the taint's value must be less or greater than the toleration's. */
function compares(toleration: TolerationLike, taint: TaintLike): boolean {
  const [limit = NaN, value = NaN] = [toleration.value, taint.value].map((text) =>
    /^-?\d+$/.test(text ?? '') ? Number(text) : NaN,
  );
  return toleration.operator === 'Lt' ? value < limit : value > limit;
}
