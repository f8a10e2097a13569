import { Client, credentials, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js';

export async function withClient<T>(endpoint: string, work: (client: Client) => Promise<T>): Promise<T> {
  // As large as a client may want it to be: what is refused, the server refuses.
  const client = new Client(endpoint, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** @returns the answer, without what depends on the server; or the code and the text of the refusal */
export function ask<Request, Response>(
  client: Client,
  method: MethodDefinition<Request, Response>,
  request: Request,
): Promise<unknown> {
  return new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = method;
    const settle = (error: ServiceError | null, response?: Response): void =>
      resolve(error === null ? plain(response) : `${status[error.code]}: ${error.details}`);
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, settle);
  });
}

/** Headers have a revision only, bytes are text, and numbers can be compared by jest. */
export function plain(message: unknown): unknown {
  const text = JSON.stringify(message, (key, value: unknown) => {
    if (key === 'header') return { revision: String((value as { revision?: bigint } | undefined)?.revision ?? '') };
    if (typeof value === 'bigint') return String(value);
    const bytes = value as { type?: string; data?: number[] } | null;
    if (bytes?.type === 'Buffer' && bytes.data !== undefined) return Buffer.from(bytes.data).toString('latin1');
    return value;
  });
  return JSON.parse(text);
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
