/** Only what tests use: an independent reader and writer of messages. */
declare module 'dns-packet' {
  interface Packet {
    id?: number;
    type?: 'query' | 'response';
    flags?: number;
    rcode?: string;
    flag_aa?: boolean;
    flag_tc?: boolean;
    questions?: { name: string; type: string; class?: string }[];
    answers?: { name: string; type: string; ttl?: number; data?: unknown; udpPayloadSize?: number }[];
    authorities?: Packet['answers'];
    additionals?: Packet['answers'];
  }
  export function encode(packet: Packet): Buffer;
  export function decode(
    message: Buffer,
  ): Packet & Required<Pick<Packet, 'answers' | 'authorities' | 'additionals' | 'questions'>>;
}
