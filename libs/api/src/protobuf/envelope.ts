import { ProtobufError, readFields } from './wire-reader';

/** `application/vnd.kubernetes.protobuf`: four bytes, then a `runtime.Unknown` with the kind and the message. */
export interface ProtobufEnvelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly message: Buffer;
}

const MAGIC = Buffer.from('k8s\0', 'latin1');

/** Opens the envelope. Throws `ProtobufError` if it is none. */
export function openProtobufEnvelope(body: Buffer): ProtobufEnvelope {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  let type: Buffer = Buffer.alloc(0);
  let message: Buffer = Buffer.alloc(0);
  for (const { number, value } of readFields(body.subarray(MAGIC.length))) {
    if (value.type !== 'bytes') continue;
    if (number === 1) type = value.value;
    else if (number === 2) message = value.value;
  }
  const names = ['', '', ''];
  for (const { number, value } of readFields(type)) {
    if (value.type === 'bytes' && number < names.length) names[number] = value.value.toString('utf8');
  }
  return { apiVersion: names[1] ?? '', kind: names[2] ?? '', message };
}
