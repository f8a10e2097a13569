import { type BusAuthority } from './bus-authority';

export interface NatsServerConfig {
  readonly host: string;
  readonly port: number;
  readonly authority: Pick<BusAuthority, 'operatorJwt' | 'accountJwt' | 'account'>;
  /** Files that the broker reads: its certificate, and the authority of its clients'. */
  readonly tls: { readonly certificateFile: string; readonly keyFile: string; readonly caFile: string };
  /** `host:port` for `/healthz`. */
  readonly monitor?: string;
}

/** Objects over 512 KiB are announced by reference, but a write carries a whole one. */
const MAX_PAYLOAD = 4 << 20;
/** A credential goes in one line and names every subject that its user may read. */
const MAX_CONTROL_LINE = 256 << 10;

/**
 * The configuration of a `nats-server` for a cluster: mutual TLS, and nobody without a credential of the account. Nothing in
 * it is secret.
 */
export function natsServerConfig({ host, port, authority, tls, monitor }: NatsServerConfig): string {
  const quoted = JSON.stringify;
  return `listen: ${quoted(`${host}:${port}`)}
${monitor === undefined ? '' : `http: ${quoted(monitor)}\n`}max_payload: ${MAX_PAYLOAD}
max_control_line: ${MAX_CONTROL_LINE}
operator: ${authority.operatorJwt}
resolver: MEMORY
resolver_preload: {
  ${authority.account}: ${authority.accountJwt}
}
tls: {
  cert_file: ${quoted(tls.certificateFile)}
  key_file: ${quoted(tls.keyFile)}
  ca_file: ${quoted(tls.caFile)}
  verify: true
}
`;
}
