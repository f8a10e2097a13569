import { formatFieldError } from './field-errors';
import {
  type LabelOperator,
  labelRequirement,
  type LabelRequirement,
  SelectorError,
  validateKey,
} from './label-requirement';

type TokenKind = 'end' | 'identifier' | '(' | ')' | ',' | '!' | 'operator' | 'error';

interface Token {
  readonly kind: TokenKind;
  readonly literal: string;
}

const symbols = new Set(['(', ')', ',', '!', '=', '==', '!=', '>', '<']);
const operators: Readonly<Record<string, LabelOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

/** Splits into tokens. Runs of symbols are cut greedily: `!=` is one, `=!` two. */
function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const character = text.charAt(position);
    if (/[ \t\r\n]/.test(character)) {
      position++;
      continue;
    }
    if (!/[=!(),><]/.test(character)) {
      const literal = /^[^=!(),>< \t\r\n]+/.exec(text.slice(position))?.[0] ?? '';
      tokens.push({ kind: literal === 'in' || literal === 'notin' ? 'operator' : 'identifier', literal });
      position += literal.length;
      continue;
    }
    const pair = text.slice(position, position + 2);
    const literal = symbols.has(pair) ? pair : character;
    tokens.push({ kind: Object.hasOwn(operators, literal) ? 'operator' : (literal as TokenKind), literal });
    position += literal.length;
  }
  return [...tokens, { kind: 'end', literal: '' }];
}

/**
 * Recursive descent over `a=b, c in (d,e), !f`, with the order of checks of upstream's parser, which decides the text of
 * the error.
 */
class Parser {
  private position = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  /** `in` and `notin` are words like any other, except where an operator must stand. */
  private peek(expectOperator = false): Token {
    const token = this.tokens[this.position] ?? { kind: 'end', literal: '' };
    const isWord = token.literal === 'in' || token.literal === 'notin';
    return isWord && !expectOperator ? { kind: 'identifier', literal: token.literal } : token;
  }

  private next(expectOperator = false): Token {
    const token = this.peek(expectOperator);
    this.position++;
    return token;
  }

  selector(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const first = this.peek();
      if (first.kind === 'end') return requirements;
      if (first.kind !== 'identifier' && first.kind !== '!') {
        throw new SelectorError(`found '${first.literal}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.requirementOrThrow());
      const separator = this.next();
      if (separator.kind === 'end') return requirements;
      if (separator.kind !== ',') {
        throw new SelectorError(`found '${separator.literal}', expected: ',' or 'end of string'`);
      }
      const following = this.peek();
      if (following.kind !== 'identifier' && following.kind !== '!') {
        throw new SelectorError(`found '${following.literal}', expected: identifier after ','`);
      }
    }
  }

  private requirementOrThrow(): LabelRequirement {
    try {
      return this.requirement();
    } catch (error) {
      throw error instanceof SelectorError ? new SelectorError(`unable to parse requirement: ${error.message}`) : error;
    }
  }

  private requirement(): LabelRequirement {
    let token = this.next();
    const negated = token.kind === '!';
    if (negated) token = this.next();
    if (token.kind !== 'identifier') throw new SelectorError(`found '${token.literal}', expected: identifier`);
    const key = token.literal;
    const keyError = validateKey(key)[0];
    if (keyError !== undefined) throw new SelectorError(formatFieldError(keyError));
    const { kind } = this.peek();
    if (negated) return labelRequirement(key, '!', []);
    if (kind === 'end' || kind === ',') return labelRequirement(key, 'exists', []);
    const operator = this.operator();
    const values = operator === 'in' || operator === 'notin' ? this.values() : this.exactValue();
    return labelRequirement(key, operator, [...new Set(values)].sort());
  }

  private operator(): LabelOperator {
    const { kind, literal } = this.next(true);
    const operator = kind === 'operator' ? operators[literal] : undefined;
    if (operator !== undefined) return operator;
    throw new SelectorError(`found '${literal}', expected: in, notin, =, ==, !=, gt, lt`);
  }

  private values(): string[] {
    const open = this.next();
    if (open.kind !== '(') throw new SelectorError(`found '${open.literal}' expected: '('`);
    const first = this.peek();
    if (first.kind === ')') {
      this.next();
      return [''];
    }
    if (first.kind !== 'identifier' && first.kind !== ',') {
      throw new SelectorError(`found '${first.literal}', expected: ',', ')' or identifier`);
    }
    const values = this.list();
    // Upstream names the first token of the list here, not the offending one.
    if (this.next().kind !== ')') throw new SelectorError(`found '${first.literal}', expected: ')'`);
    return values;
  }

  /** Empty elements are the empty string: `()`, `(,)`, `(a,)`. */
  private list(): string[] {
    const values: string[] = [];
    for (;;) {
      const token = this.next();
      if (token.kind === 'identifier') {
        values.push(token.literal);
        const following = this.peek();
        if (following.kind === ')') return values;
        if (following.kind !== ',') throw new SelectorError(`found '${following.literal}', expected: ',' or ')'`);
      } else if (token.kind === ',') {
        if (values.length === 0) values.push('');
        const following = this.peek();
        if (following.kind === ')') return [...values, ''];
        if (following.kind === ',') {
          this.next();
          values.push('');
        }
      } else {
        throw new SelectorError(`found '${token.literal}', expected: ',', or identifier`);
      }
    }
  }

  private exactValue(): string[] {
    const { kind } = this.peek();
    if (kind === 'end' || kind === ',') return [''];
    const token = this.next();
    if (token.kind === 'identifier') return [token.literal];
    throw new SelectorError(`found '${token.literal}', expected: identifier`);
  }
}

/** Reads a `labelSelector` parameter; '' selects everything. Throws `SelectorError`. */
export function parseRequirements(text: string): LabelRequirement[] {
  return new Parser(scan(text)).selector();
}
