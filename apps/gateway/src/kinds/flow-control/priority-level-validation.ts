import { type LimitResponse, type PriorityLevelConfiguration, type QueuingConfiguration } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { inRange, isUnset, oneOf } from '../validation/checks';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');
const MAXIMUM_QUEUES = 10_000_000;
/** Bits of the hash of a flow, from which its hand of queues is dealt (shuffle sharding). */
const HASH_BITS = 60;

export const priorityLevelValidation: Validation<PriorityLevelConfiguration> = {
  validateCreate: validatePriorityLevel,
  validateUpdate: validatePriorityLevel,
};

function validatePriorityLevel({ metadata, spec: own }: DeepReadonly<PriorityLevelConfiguration>): FieldError[] {
  const { type = '', limited, exempt } = own ?? {};
  const errors = oneOf(type, ['Exempt', 'Limited'], spec.child('type'));
  if ((metadata?.name === 'exempt') !== (type === 'Exempt')) {
    const text = "type must be 'Exempt' if and only if name is 'exempt'";
    errors.push(field.invalid(spec.child('type'), type, text));
  }
  if (type === 'Exempt') {
    if (limited !== undefined) {
      errors.push(field.forbidden(spec.child('limited'), 'must be nil if the type is not Limited'));
    }
    return [...errors, ...validateShares(exempt, spec.child('exempt'))];
  }
  if (type !== 'Limited') return errors;
  if (exempt !== undefined) errors.push(field.forbidden(spec.child('exempt'), 'must be nil if the type is Limited'));
  const path = spec.child('limited');
  if (limited === undefined) return [...errors, field.required(path, 'must not be empty when type is Limited')];
  errors.push(...validateShares(limited, path));
  const borrowed = limited.borrowingLimitPercent;
  if (borrowed !== undefined && borrowed < 0) {
    const text = 'if specified, must be a non-negative integer';
    errors.push(field.invalid(path.child('borrowingLimitPercent'), borrowed, text));
  }
  return [...errors, ...validateResponse(limited.limitResponse, path.child('limitResponse'))];
}

interface Shares {
  readonly nominalConcurrencyShares?: number;
  readonly lendablePercent?: number;
}

function validateShares({ nominalConcurrencyShares: shares, lendablePercent: lent }: Shares = {}, path: FieldPath) {
  const errors: FieldError[] = [];
  if (shares !== undefined && shares < 0) {
    errors.push(field.invalid(path.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer'));
  }
  return lent === undefined ? errors : [...errors, ...inRange(lent, 0, 100, path.child('lendablePercent'))];
}

function validateResponse(response: DeepReadonly<LimitResponse> | undefined, path: FieldPath): FieldError[] {
  const { type, queuing } = response ?? {};
  const errors = oneOf(type, ['Queue', 'Reject'], path.child('type'));
  const place = path.child('queuing');
  if (type === 'Reject' && queuing !== undefined) {
    errors.push(field.forbidden(place, 'must be nil if limited.limitResponse.type is not Limited'));
  }
  if (type !== 'Queue') return errors;
  if (isUnset(queuing) || queuing === undefined) {
    return [...errors, field.required(place, 'must not be empty if limited.limitResponse.type is Limited')];
  }
  return [...errors, ...validateQueuing(queuing, place)];
}

function validateQueuing(queuing: DeepReadonly<QueuingConfiguration>, path: FieldPath): FieldError[] {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) {
    errors.push(field.invalid(path.child('queueLengthLimit'), queueLengthLimit, 'must be positive'));
  }
  if (queues <= 0) errors.push(field.invalid(path.child('queues'), queues, 'must be positive'));
  if (queues > MAXIMUM_QUEUES) {
    errors.push(field.invalid(path.child('queues'), queues, `must not be greater than ${MAXIMUM_QUEUES}`));
  }
  const problem = handProblem(queues, handSize);
  return problem === undefined ? errors : [...errors, field.invalid(path.child('handSize'), handSize, problem)];
}

function handProblem(queues: number, handSize: number): string | undefined {
  if (handSize <= 0) return 'must be positive';
  if (handSize > queues) return `should not be greater than queues (${queues})`;
  if (entropyBits(queues, handSize) <= HASH_BITS) return undefined;
  return `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS}`;
}

/** What it takes to choose any hand: the logarithm of the number of hands, in order. */
function entropyBits(queues: number, handSize: number): number {
  let bits = 0;
  // More cards than the hash has bits are too many, however small the deck.
  for (let dealt = 0; dealt < handSize && bits <= HASH_BITS; dealt++) bits += Math.log2(queues - dealt);
  return Math.ceil(bits);
}
