/** One thing that a client asked of the store, and what it heard. */
export interface Operation<Input, Output> {
  readonly client: number;
  readonly input: Input;
  /** When it was asked, on the one clock of the test. */
  readonly call: number;
  /** When the answer came. Infinity: none did, or one that leaves open whether it was carried out. */
  readonly return: number;
  /** Undefined if, and only if, `return` is Infinity. */
  readonly output?: Output;
}

/** A sequential specification. States are values: equal keys mean equal states. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /** The state after; undefined: no such answer is possible in this state. Without an `output` any answer would do. */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** Names a state. */
  key(state: State): string;
}
