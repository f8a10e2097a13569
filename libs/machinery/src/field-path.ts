/**
 * Where a value is in an object, for error texts: `spec.containers[0].resources.limits[cpu]`. Immutable: every step
 * returns a new path, and the text is only built when an error needs it.
 */
export class FieldPath {
  private constructor(
    private readonly parent: FieldPath | undefined,
    private readonly text: string,
  ) {}

  /** The path of a top-level field; `FieldPath.of('spec', 'selector')` is `spec.selector`. */
  static of(name: string, ...more: string[]): FieldPath {
    return new FieldPath(undefined, name).child(...more);
  }

  /** The empty path: an error about the object itself. Its children are top-level fields. */
  static readonly root = new FieldPath(undefined, '');

  child(...names: string[]): FieldPath {
    return names.reduce<FieldPath>(
      (path, name) => new FieldPath(path, path === FieldPath.root ? name : `.${name}`),
      this,
    );
  }

  /** An element of a list. */
  index(index: number): FieldPath {
    return new FieldPath(this, `[${index}]`);
  }

  /** An entry of a map. */
  key(key: string): FieldPath {
    return new FieldPath(this, `[${key}]`);
  }

  toString(): string {
    let text = this.text;
    for (let path = this.parent; path !== undefined; path = path.parent) text = path.text + text;
    return text;
  }
}
