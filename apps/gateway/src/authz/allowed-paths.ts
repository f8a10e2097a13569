import { type Attributes, type Authorizer, type Verdict } from './attributes';

/** Paths that decide for themselves whom they serve; everything else is the inner authorizer's. */
export class AllowedPaths implements Authorizer {
  constructor(
    private readonly paths: ReadonlySet<string>,
    private readonly inner: Authorizer,
  ) {}

  authorize(attributes: Attributes): Verdict {
    if (!attributes.isResourceRequest && this.paths.has(attributes.path)) return { allowed: true, reason: '' };
    return this.inner.authorize(attributes);
  }
}
