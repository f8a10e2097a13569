const texts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
  ECONNRESET: 'read: connection reset by peer',
};

/** A socket's error in the words of Go's `net`, which is how people search for them. */
export function dialError(error: unknown, address: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' && message === 'socket hang up') return 'EOF';
  const text = code === undefined ? undefined : texts[code];
  return text === undefined ? message : code === 'ECONNRESET' ? text : `dial tcp ${address}: ${text}`;
}
