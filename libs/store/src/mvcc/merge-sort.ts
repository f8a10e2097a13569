/**
 * A stable sort that lets others run: by merging runs, a step for each `slice` elements.
 *
 * @returns the elements in order, once it is done
 */
export function* mergeSort<T>(
  elements: readonly T[],
  compare: (a: T, b: T) => number,
  slice: number,
): Generator<undefined, T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < elements.length; at += slice) {
    runs.push(elements.slice(at, at + slice).sort(compare));
    if (at + slice < elements.length) yield;
  }
  while (runs.length > 1) {
    const longer: T[][] = [];
    for (let at = 0; at < runs.length; at += 2)
      longer.push(yield* merge(runs[at]!, runs[at + 1] ?? [], compare, slice));
    runs = longer;
  }
  return runs[0] ?? [];
}

function* merge<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
  slice: number,
): Generator<undefined, T[]> {
  const merged: T[] = [];
  for (let [l, r] = [0, 0]; l < left.length || r < right.length;) {
    const isLeft = r >= right.length || (l < left.length && compare(left[l]!, right[r]!) <= 0);
    merged.push(isLeft ? left[l++]! : right[r++]!);
    if (merged.length % slice === 0) yield;
  }
  return merged;
}
