/**
 * Replaces `$(NAME)` by its value; `$$` is a literal `$`; references to unknown names stay as they are.
 * @param value of a name; undefined: unknown
 */
export function expand(input: string, value: (name: string) => string | undefined): string {
  return input.replace(/\$(?:\$|\(([^)]*)\))/g, (match, name: string | undefined) =>
    name === undefined ? '$' : (value(name) ?? match),
  );
}
