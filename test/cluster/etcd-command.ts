export interface EtcdOptions {
  readonly directory: string;
  readonly port: number;
  readonly peerPort: number;
  /** `host:port` for `/health`, without TLS. */
  readonly health: string;
  /** A file of its certificates: `tls.crt`, `tls.key`, `ca.crt`. */
  readonly pki: (name: string) => string;
}

/** A real etcd of one member that takes our store's place: mutual TLS, and requests as large as ours takes. */
export function etcdCommand({ directory, port, peerPort, health, pki }: EtcdOptions): [string, ...string[]] {
  const endpoint = `https://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    'etcd',
    ...['--data-dir', directory, '--name', 'store', '--max-request-bytes', String(4 << 20)],
    ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `store=${peer}`],
    ...['--cert-file', pki('tls.crt'), '--key-file', pki('tls.key')],
    ...['--client-cert-auth', '--trusted-ca-file', pki('ca.crt')],
    // What it would connect to itself with is a server's certificate.
    ...['--listen-metrics-urls', `http://${health}`, '--enable-grpc-gateway=false'],
  ];
}
