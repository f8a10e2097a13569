import { type Model } from './history';

/** What the clients of the chaos test do to one key. Values are numbers that are used once. */
export type RegisterInput =
  | { readonly type: 'read'; readonly key: string }
  | { readonly type: 'write'; readonly key: string; readonly value: number }
  /** Writes only if the key has this value; 0: is not there. */
  | { readonly type: 'swap'; readonly key: string; readonly expected: number; readonly value: number }
  | { readonly type: 'remove'; readonly key: string };

/** A read says what it saw (0: nothing), a swap whether it took place. */
export type RegisterOutput = { readonly value?: number; readonly swapped?: boolean };

export const registerModel: Model<number, RegisterInput, RegisterOutput> = {
  initial: 0,
  step(state, input, output) {
    switch (input.type) {
      case 'read':
        return output === undefined || output.value === state ? state : undefined;
      case 'write':
        return input.value;
      case 'remove':
        return 0;
      case 'swap': {
        const fits = state === input.expected;
        if (output !== undefined && output.swapped !== fits) return undefined;
        return fits ? input.value : state;
      }
    }
  },
  key: String,
};
