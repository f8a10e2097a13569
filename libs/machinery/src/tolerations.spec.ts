import { isTolerated, type TaintLike, type TolerationLike } from './tolerations';

const taint = (key: string, value: string | undefined, effect = 'NoSchedule'): TaintLike => ({ key, value, effect });

it.each<[string, TolerationLike, TaintLike, boolean]>([
  ['the same key and value', { key: 'k', value: 'v' }, taint('k', 'v'), true],
  ['another value', { key: 'k', value: 'w' }, taint('k', 'v'), false],
  ['any value of the key', { key: 'k', operator: 'Exists' }, taint('k', 'v'), true],
  ['another key', { key: 'l', operator: 'Exists' }, taint('k', 'v'), false],
  ['everything', { operator: 'Exists' }, taint('k', 'v'), true],
  ['another effect', { operator: 'Exists', effect: 'NoExecute' }, taint('k', 'v'), false],
  ['an empty value, when none is given', { key: 'k', operator: 'Equal' }, taint('k', undefined), true],
  ['nothing, without a key or Exists', {}, taint('k', 'v'), false],
  ['an unknown operator', { key: 'k', operator: 'Maybe' }, taint('k', 'v'), false],
  ['a smaller number', { key: 'k', operator: 'Lt', value: '10' }, taint('k', '5'), true],
  ['a greater number, which it is not', { key: 'k', operator: 'Gt', value: '10' }, taint('k', '5'), false],
  ['a number that is none', { key: 'k', operator: 'Lt', value: '10' }, taint('k', 'x'), false],
])('tolerates %s', (_, toleration, tainted, expected) => {
  expect(isTolerated([toleration], tainted)).toBe(expected);
});
