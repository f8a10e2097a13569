/**
 * Addresses of a node's own network namespace, from a range that nobody routes (RFC 2544). They are the same in all: no two such namespaces see
 * each other.
 */
export const nodeAddress = '198.18.0.1';
/** Where the packet filter leads connections to the outside. */
export const outwardsAddress = { ip: '198.18.0.2', port: 1 } as const;
/** Asks the machine's name server. */
export const resolverAddress = '198.18.0.3';

/** All of them. */
export const ownRange = '198.18.0.0/24';

/** struct sockaddr_in (ip(7)), in hexadecimal. Of a little-endian machine, as x86-64 and AArch64 are. */
export function socketAddress(ip: string, port: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(2, 0);
  bytes.writeUInt16BE(port, 2);
  Buffer.from(ip.split('.').map(Number)).copy(bytes, 4);
  return bytes.toString('hex');
}
