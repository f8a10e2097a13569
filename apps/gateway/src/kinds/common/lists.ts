/** Protobuf, in which upstream stores objects, does not tell an empty list from none: a required one reads back as null. */
export function emptyIsNull<K extends string>(holder: { [P in K]?: readonly unknown[] } | undefined, field: K): void {
  if (holder?.[field]?.length === 0) (holder as Record<string, unknown>)[field] = null;
}
