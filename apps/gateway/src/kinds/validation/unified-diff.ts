/**
 * The difference of two values as Go's `diff.Diff` prints it: both as indented JSON, and of that a unified diff with three
 * lines of context. The blocks in common are found as Python's difflib does (Ratcliff and Obershelp, "Pattern Matching:
 * The Gestalt Approach", 1988): the longest first, then left and right of it.
 */
export function unifiedDiff(before: unknown, after: unknown): string {
  const a = JSON.stringify(before, undefined, 1).split('\n');
  const b = JSON.stringify(after, undefined, 1).split('\n');
  return groups(operations(a, b), CONTEXT)
    .map((group) => printGroup(group, a, b))
    .join('');
}

const CONTEXT = 3;

/** Lines `a[aFrom, aTo)` become `b[bFrom, bTo)`. */
interface Operation {
  readonly equal: boolean;
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
}

interface Block {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

function operations(a: readonly string[], b: readonly string[]): Operation[] {
  const result: Operation[] = [];
  let i = 0;
  let j = 0;
  for (const block of [...matchingBlocks(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (i < block.a || j < block.b) result.push({ equal: false, aFrom: i, aTo: block.a, bFrom: j, bTo: block.b });
    i = block.a + block.size;
    j = block.b + block.size;
    if (block.size > 0) result.push({ equal: true, aFrom: block.a, aTo: i, bFrom: block.b, bTo: j });
  }
  return result;
}

function matchingBlocks(a: readonly string[], b: readonly string[]): Block[] {
  const places = placesOf(b);
  const blocks: Block[] = [];
  const search = (aFrom: number, aTo: number, bFrom: number, bTo: number): void => {
    const block = longestMatch(a, b, places, aFrom, aTo, bFrom, bTo);
    if (block.size === 0) return;
    if (aFrom < block.a && bFrom < block.b) search(aFrom, block.a, bFrom, block.b);
    const last = blocks.at(-1);
    if (last !== undefined && last.a + last.size === block.a && last.b + last.size === block.b) {
      blocks[blocks.length - 1] = { ...last, size: last.size + block.size };
    } else {
      blocks.push(block);
    }
    if (block.a + block.size < aTo && block.b + block.size < bTo) {
      search(block.a + block.size, aTo, block.b + block.size, bTo);
    }
  };
  search(0, a.length, 0, b.length);
  return blocks;
}

/** Where each line stands in `b`. Lines that are everywhere in a long text tell nothing and are left out, as difflib does. */
function placesOf(b: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  b.forEach((line, index) => {
    const known = places.get(line);
    if (known === undefined) places.set(line, [index]);
    else known.push(index);
  });
  if (b.length >= 200) {
    const popular = Math.floor(b.length / 100) + 1;
    for (const [line, indices] of places) if (indices.length > popular) places.delete(line);
  }
  return places;
}

function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  aFrom: number,
  aTo: number,
  bFrom: number,
  bTo: number,
): Block {
  let best: Block = { a: aFrom, b: bFrom, size: 0 };
  let lengths = new Map<number, number>();
  for (let i = aFrom; i < aTo; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i] ?? '') ?? []) {
      if (j < bFrom) continue;
      if (j >= bTo) break;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    lengths = next;
  }
  let { a: start, b: other, size } = best;
  while (start > aFrom && other > bFrom && a[start - 1] === b[other - 1]) {
    start--;
    other--;
    size++;
  }
  while (start + size < aTo && other + size < bTo && a[start + size] === b[other + size]) size++;
  return { a: start, b: other, size };
}

/** Splits where more than twice the context is the same, and trims what is the same at the ends. */
function groups(all: readonly Operation[], context: number): Operation[][] {
  const result: Operation[][] = [];
  let group: Operation[] = [];
  all.forEach((operation, index) => {
    if (!operation.equal) return void group.push(operation);
    const { aFrom, aTo, bFrom, bTo } = operation;
    const isLast = index === all.length - 1;
    const head = { ...operation, aTo: Math.min(aTo, aFrom + context), bTo: Math.min(bTo, bFrom + context) };
    const tail = { ...operation, aFrom: Math.max(aFrom, aTo - context), bFrom: Math.max(bFrom, bTo - context) };
    if (index === 0) return void group.push(tail);
    if (!isLast && aTo - aFrom <= 2 * context) return void group.push(operation);
    group.push(head);
    result.push(group);
    group = [tail];
  });
  if (group.some(({ equal }) => !equal)) result.push(group);
  return result.filter((operations) => operations.some(({ equal }) => !equal));
}

function printGroup(group: readonly Operation[], a: readonly string[], b: readonly string[]): string {
  const first = group[0];
  const last = group.at(-1);
  if (first === undefined || last === undefined) return '';
  const lines = group.flatMap(({ equal, aFrom, aTo, bFrom, bTo }) =>
    equal
      ? a.slice(aFrom, aTo).map((line) => ` ${line}`)
      : [...a.slice(aFrom, aTo).map((line) => `-${line}`), ...b.slice(bFrom, bTo).map((line) => `+${line}`)],
  );
  return `@@ -${span(first.aFrom, last.aTo)} +${span(first.bFrom, last.bTo)} @@\n${lines.join('\n')}\n`;
}

function span(from: number, to: number): string {
  const length = to - from;
  if (length === 1) return String(from + 1);
  return `${length === 0 ? from : from + 1},${length}`;
}
