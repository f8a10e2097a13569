import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

export interface SharedPortOptions {
  /** PEM texts; undefined: no TLS. */
  readonly tls?: {
    readonly certificatePem: string;
    readonly keyPem: string;
    readonly clientCaPem?: string;
    /** Common names of the clients that are served; absent: whoever the authority has signed. */
    readonly allowedNames?: readonly string[];
  };
  /** Whoever is given a connection owns it. */
  onHttp2(socket: net.Socket): void;
  onHttp1(socket: net.Socket): void;
  /** A client with a good certificate that is none of `allowedNames`. @param names its common names */
  onRefused(names: readonly string[]): void;
}

/** What every HTTP/2 connection begins with (RFC 9113, section 3.4); no HTTP/1.1 request does. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\n');
/** A client that has said nothing for so long is not waited for. */
const FIRST_BYTES_MS = 10_000;

/**
 * gRPC and HTTP/1.1 on one port, as etcd serves them: with TLS the client says in the handshake (ALPN) which it speaks, without TLS its
 * first bytes do. Nothing stands between the socket and its server after that.
 */
export class SharedPort {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  constructor(private readonly options: SharedPortOptions) {
    this.server = options.tls === undefined ? this.plain() : this.secure(options.tls);
    // Of TLS: the connection beneath, which is there before the handshake.
    this.server.on('connection', (socket: net.Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  /** Rejects if the port is taken. @returns the port */
  async listen(host: string, port: number): Promise<number> {
    this.server.listen({ host, port });
    await once(this.server, 'listening');
    return (this.server.address() as net.AddressInfo).port;
  }

  /** Takes no more connections; those there are go on. */
  close(): void {
    this.server.close();
  }

  /** Resolves when the last connection is gone. */
  async destroy(): Promise<void> {
    const open = [...this.sockets].filter((socket) => !socket.closed);
    await Promise.all(open.map((socket) => once(socket.destroy(), 'close')));
  }

  private secure({
    certificatePem,
    keyPem,
    clientCaPem,
    allowedNames,
  }: NonNullable<SharedPortOptions['tls']>): net.Server {
    const server = tls.createServer({
      cert: certificatePem,
      key: keyPem,
      ca: clientCaPem,
      requestCert: clientCaPem !== undefined,
      rejectUnauthorized: clientCaPem !== undefined,
      ALPNProtocols: ['h2', 'http/1.1'],
      noDelay: true,
    });
    server.on('secureConnection', (socket) => {
      if (allowedNames !== undefined && !namesOf(socket).some((name) => allowedNames.includes(name))) {
        this.options.onRefused(namesOf(socket));
        socket.destroy();
        return;
      }
      if (socket.alpnProtocol === 'h2') this.options.onHttp2(socket);
      else this.options.onHttp1(socket);
    });
    // A failed handshake is the client's affair, and its connection is closed already.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return server;
  }

  private plain(): net.Server {
    return net.createServer({ noDelay: true }, (socket) => {
      const onError = (): void => undefined;
      const onTimeout = (): void => void socket.destroy();
      const onReadable = (): void => {
        const bytes = socket.read() as Buffer | null;
        if (bytes === null) return;
        socket.unshift(bytes);
        const known = Math.min(bytes.length, PREFACE.length);
        const mayBeHttp2 = bytes.subarray(0, known).equals(PREFACE.subarray(0, known));
        // Not enough to tell: more will come.
        if (mayBeHttp2 && known < PREFACE.length) return;
        socket.off('readable', onReadable);
        socket.off('timeout', onTimeout);
        socket.setTimeout(0);
        if (mayBeHttp2) this.options.onHttp2(socket);
        else this.options.onHttp1(socket);
        socket.off('error', onError);
      };
      socket.on('error', onError);
      socket.on('timeout', onTimeout);
      socket.setTimeout(FIRST_BYTES_MS);
      socket.on('readable', onReadable);
    });
  }
}

function namesOf(socket: tls.TLSSocket): readonly string[] {
  // Without a certificate there is no subject, whatever the types say.
  const subject = socket.getPeerCertificate().subject as tls.Certificate | undefined;
  return [subject?.CN ?? []].flat();
}
