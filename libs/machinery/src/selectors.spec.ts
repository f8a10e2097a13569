import fc from 'fast-check';
import { formatFieldError } from './field-errors';
import { FieldPath } from './field-path';
import { escapeFieldValue, fieldsMatch, formatFieldSelector, parseFieldSelector } from './field-selector';
import { labelSelectorMatcher, labelsMatcher, parseLabelSelector } from './label-selector';
import { validateLabelSelector } from './label-validation';

describe('label selectors', () => {
  it.each([
    ['', {}, true],
    ['a', { a: '' }, true],
    ['!a', { a: '' }, false],
    ['a=b', { a: 'b' }, true],
    ['a==b,c', { a: 'b' }, false],
    ['a!=b', {}, true],
    ['a in (b,c)', { a: 'c' }, true],
    ['a in (b,c)', {}, false],
    ['a notin (b)', {}, true],
    ['a in (,)', { a: '' }, true],
    ['a in ()', { a: '' }, true],
    ['a in ()', { a: 'b' }, false],
    ['a=', { a: '' }, true],
    ['n>2', { n: '10' }, true],
    ['n<2', { n: 'x' }, false],
    ['in in (in)', { in: 'in' }, true],
    [' a , ! b ', { a: '1' }, true],
    ['toString', {}, false],
  ])('%j matches %j: %s', (text, labels, expected) => {
    const matcher = parseLabelSelector(text);
    expect(matcher.matches(labels)).toBe(expected);
    expect(parseLabelSelector(matcher.toString()).matches(labels)).toBe(expected);
  });

  it.each([
    ['a===b', "unable to parse requirement: found '=', expected: identifier"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['a=b,,c', "found ',', expected: identifier after ','"],
    ['n=1=2', "found '=', expected: ',' or 'end of string'"],
    ['n gt 2', "unable to parse requirement: found 'gt', expected: in, notin, =, ==, !=, gt, lt"],
    ['n!', "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"],
    [',', "found ',', expected: !, identifier, or 'end of string'"],
    ['(n)', "found '(', expected: !, identifier, or 'end of string'"],
    [
      `a=${'a'.repeat(64)}`,
      `unable to parse requirement: values[0][a]: Invalid value: "${'a'.repeat(64)}": must be no more than 63 bytes`,
    ],
    [
      '-a=b',
      `unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    ],
  ])('refuses %j', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(
      expect.objectContaining({ name: 'SelectorError', message }) as Error,
    );
  });

  it('never fails otherwise than with a SelectorError', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '-', ' ', 'in', 'notin', ...'=!(),<>1/') });
    fc.assert(
      fc.property(text, (selector) => {
        try {
          const matcher = parseLabelSelector(selector);
          expect(parseLabelSelector(matcher.toString()).toString()).toBe(matcher.toString());
        } catch (error) {
          expect(error).toHaveProperty('name', 'SelectorError');
        }
      }),
    );
  });

  it('of objects: none selects nothing, an empty one everything', () => {
    expect(labelSelectorMatcher(undefined).matches({ a: 'b' })).toBe(false);
    expect(labelSelectorMatcher({}).matches(undefined)).toBe(true);
    const selector = { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'DoesNotExist' }] };
    expect(labelSelectorMatcher(selector).matches({ a: '1' })).toBe(true);
    expect(labelSelectorMatcher(selector).matches({ a: '1', b: '' })).toBe(false);
    expect(labelsMatcher({ a: '1' }).toString()).toBe('a=1');
  });

  it('of objects are validated', () => {
    const errors = validateLabelSelector(
      {
        matchLabels: { a: '-' },
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'a', operator: 'Odd' },
        ],
      },
      FieldPath.of('spec', 'selector'),
    );
    expect(errors.map(formatFieldError).map((text) => text.slice(0, 80))).toEqual([
      expect.stringMatching(/^spec\.selector\.matchLabels: Invalid value: "-": a valid label must/),
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'".slice(
        0,
        80,
      ),
      'spec.selector.matchExpressions[1].operator: Invalid value: "Odd": not a valid selector operator'.slice(0, 80),
    ]);
  });
});

describe('field selectors', () => {
  it('reads terms with all three operators', () => {
    expect(parseFieldSelector('b!=2,a=1,,c==x\\,y')).toEqual([
      { field: 'a', negated: false, value: '1' },
      { field: 'b', negated: true, value: '2' },
      { field: 'c', negated: false, value: 'x,y' },
    ]);
  });

  it.each([
    ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ['metadata.name=a\\x', 'invalid field selector: invalid escape sequence: \\x'],
    ['a=1=2', 'invalid field selector: unescaped character in value: 61'],
  ])('refuses %j', (text, message) => expect(() => parseFieldSelector(text)).toThrow(message));

  it('escapes any value', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const requirements = parseFieldSelector(`a=${escapeFieldValue(value)}`);
        expect(requirements).toEqual([{ field: 'a', negated: false, value }]);
        expect(parseFieldSelector(formatFieldSelector(requirements))).toEqual(requirements);
        expect(fieldsMatch(requirements, () => value)).toBe(true);
      }),
    );
  });
});
