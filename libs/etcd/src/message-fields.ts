/** One field of a message, for who has to go through messages without knowing them, as a translation to JSON does. */
export interface Field {
  /** As in the description. */
  readonly name: string;
  /** In our objects; also its name in JSON, where the one in the description is understood too. */
  readonly key: string;
  readonly type: 'bytes' | 'string' | 'bool' | 'int64' | 'uint64' | 'uint32' | 'enum' | 'message';
  readonly isRepeated: boolean;
  /** The message's name, with its package. */
  readonly message?: string;
  /** The enum's values by their names. */
  readonly values?: Readonly<Record<string, number>>;
  /** Where our objects keep the field if it is one of several that exclude each other. */
  readonly oneof?: string;
}

/** The messages of a method, with their packages. */
export interface MethodTypes {
  readonly request: string;
  readonly response: string;
}
