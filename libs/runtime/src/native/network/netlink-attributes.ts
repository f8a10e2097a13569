/** One attribute of a message of netlink(7). Its length does not count what aligns the next. */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** A string as the kernel reads it, up to its zero. */
export function text(type: number, value: string): Buffer {
  return attribute(type, Buffer.from(`${value}\0`));
}

/** Of an IPv4 address. @throws Error if it is none */
export function bytesOf(ip: string): Buffer {
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4 || !parts.every((part) => part >= 0 && part <= 255))
    throw new Error(`not an IPv4 address: ${ip}`);
  return Buffer.from(parts);
}
