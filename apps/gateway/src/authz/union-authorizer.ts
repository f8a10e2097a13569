import { type Attributes, type Authorizer, type Verdict } from './attributes';

/** Asks one authoriser after the other; the first that allows decides. Of a refusal every reason is told, as upstream's union. */
export class UnionAuthorizer implements Authorizer {
  constructor(private readonly authorizers: readonly Authorizer[]) {}

  authorize(attributes: Attributes): Verdict {
    const reasons: string[] = [];
    for (const authorizer of this.authorizers) {
      const verdict = authorizer.authorize(attributes);
      if (verdict.allowed) return verdict;
      if (verdict.reason !== '') reasons.push(verdict.reason);
    }
    return { allowed: false, reason: reasons.join('\n') };
  }
}
