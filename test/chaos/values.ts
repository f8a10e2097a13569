import { type StoreError } from '#store';

/** Values are numbers that are used once, in decimal, and as many spaces behind as it takes. */
export function encodeValue(value: number, bytes = 0): Buffer {
  return Buffer.from(String(value).padEnd(bytes));
}

export function decodeValue(value: Uint8Array): number {
  return Number(Buffer.from(value).toString());
}

/** Of a request that failed: no member can have carried it out. */
export function wasNeverSent(error: StoreError): boolean {
  return error.message.startsWith('no connection to the store');
}
