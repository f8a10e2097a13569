import { type Model, type Operation } from './history';

export type Verdict<Input, Output> =
  | { readonly isLinearizable: true }
  | {
      readonly isLinearizable: false;
      /** As many operations as could be put in an order, and the one that then fits nowhere. */
      readonly longest: readonly Operation<Input, Output>[];
      readonly stuckAt: Operation<Input, Output>;
    }
  /** The search was given up after so many steps. */
  | { readonly isLinearizable: undefined; readonly steps: number };

interface Event<Input, Output> {
  readonly operation: Operation<Input, Output>;
  readonly id: number;
  readonly isCall: boolean;
  /** Of a call: its return. */
  match: Event<Input, Output> | undefined;
  previous: Event<Input, Output> | undefined;
  next: Event<Input, Output> | undefined;
}

/**
 * Whether each operation can have happened at one moment between its call and its return: the search of Wing and Gong ("Testing and
 * verifying concurrent objects", 1993), with Lowe's memory of configurations that led nowhere ("Testing for linearizability", 2016).
 * Operations whose outcome is unknown may happen at any time after their call, or never (at the very end, where nobody looks).
 */
export function checkLinearizability<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  maxSteps = 20_000_000,
): Verdict<Input, Output> {
  const head = eventsInOrder(operations);
  const done = new Bits(operations.length);
  const seen = new Map<string, Set<string>>();
  const path: { call: Event<Input, Output>; before: State }[] = [];
  let state = model.initial;
  let longest: Operation<Input, Output>[] = [];
  let stuckAt: Operation<Input, Output> | undefined;

  let event = head.next;
  for (let steps = 0; event !== undefined; steps++) {
    if (steps > maxSteps) return { isLinearizable: undefined, steps };
    if (event.isCall) {
      const after = model.step(state, event.operation.input, event.operation.output);
      if (after !== undefined && isNew(seen, done, event.id, model.key(after))) {
        path.push({ call: event, before: state });
        done.set(event.id);
        state = after;
        lift(event);
        event = head.next;
      } else event = event.next;
    } else {
      // Somebody got an answer, and nothing that is still open can have happened before it: an earlier choice was wrong.
      if (path.length >= longest.length) {
        longest = path.map(({ call }) => call.operation);
        stuckAt = event.operation;
      }
      const last = path.pop();
      if (last === undefined) return { isLinearizable: false, longest, stuckAt: stuckAt ?? event.operation };
      state = last.before;
      done.clear(last.call.id);
      unlift(last.call);
      event = last.call.next;
    }
  }
  return { isLinearizable: true };
}

/** Locality (Herlihy and Wing): a history is linearizable if what happened to each object is, which is much cheaper to see. */
export function partition<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  objectOf: (input: Input) => string,
): Map<string, Operation<Input, Output>[]> {
  const objects = new Map<string, Operation<Input, Output>[]>();
  for (const operation of operations) {
    const object = objectOf(operation.input);
    const own = objects.get(object);
    if (own === undefined) objects.set(object, [operation]);
    else own.push(operation);
  }
  return objects;
}

function eventsInOrder<Input, Output>(operations: readonly Operation<Input, Output>[]): Event<Input, Output> {
  const events: { at: number; event: Event<Input, Output> }[] = [];
  for (const [id, operation] of operations.entries()) {
    const links = { operation, id, previous: undefined, next: undefined };
    const end: Event<Input, Output> = { ...links, isCall: false, match: undefined };
    events.push({ at: operation.call, event: { ...links, isCall: true, match: end } });
    events.push({ at: operation.return, event: end });
  }
  // What is called when another returns is concurrent with it: nobody knows better.
  events.sort((a, b) => (a.at === b.at ? Number(b.event.isCall) - Number(a.event.isCall) : a.at < b.at ? -1 : 1));
  const head: Event<Input, Output> = {
    operation: operations[0]!,
    id: -1,
    isCall: true,
    match: undefined,
    previous: undefined,
    next: undefined,
  };
  let last = head;
  for (const { event } of events) {
    last.next = event;
    event.previous = last;
    last = event;
  }
  return head;
}

/** Takes a call and its return out of the list. Both keep their links, so that `unlift`, in reverse order, puts them back. */
function lift<Input, Output>(call: Event<Input, Output>): void {
  unlink(call);
  unlink(call.match!);
}

function unlift<Input, Output>(call: Event<Input, Output>): void {
  relink(call.match!);
  relink(call);
}

function unlink<Input, Output>(event: Event<Input, Output>): void {
  event.previous!.next = event.next;
  if (event.next !== undefined) event.next.previous = event.previous;
}

function relink<Input, Output>(event: Event<Input, Output>): void {
  event.previous!.next = event;
  if (event.next !== undefined) event.next.previous = event;
}

function isNew(seen: Map<string, Set<string>>, done: Bits, id: number, state: string): boolean {
  done.set(id);
  const name = done.name();
  done.clear(id);
  const states = seen.get(name);
  if (states === undefined) seen.set(name, new Set([state]));
  else if (states.has(state)) return false;
  else states.add(state);
  return true;
}

/** Which operations are in order already. */
class Bits {
  private readonly words: Uint16Array;

  constructor(count: number) {
    this.words = new Uint16Array(Math.ceil(count / 16));
  }

  set(bit: number): void {
    this.words[bit >> 4]! |= 1 << (bit & 15);
  }

  clear(bit: number): void {
    this.words[bit >> 4]! &= ~(1 << (bit & 15));
  }

  name(): string {
    return String.fromCharCode(...this.words);
  }
}
