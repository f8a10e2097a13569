/** A verb of the launcher, and its values; what each does is said in perl/steps.pl. */
export type Step = readonly [verb: string, ...values: readonly (string | number | Uint8Array)[]];

/** Steps as the launcher reads them: lists of byte strings, each after its length in four bytes. No value can end a field or begin a step. */
export function encodeSteps(steps: readonly Step[]): Buffer {
  return Buffer.concat(steps.map((step) => counted(Buffer.concat(step.map((value) => counted(bytesOf(value)))))));
}

function bytesOf(value: string | number | Uint8Array): Uint8Array {
  return typeof value === 'object' ? value : Buffer.from(String(value));
}

/** Bytes after their number, in four bytes. */
export function counted(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
