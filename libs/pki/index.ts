/**
 * Who is who: the cluster's certificate authority, certificates, ServiceAccount tokens and kubeconfigs. Keys are EC P-256
 * throughout; files are written atomically and readable by their owner only.
 *
 * ```ts
 * const pki = await ensurePki('/home/me/.nestor/pki', {
 *   certificates: {
 *     apiserver: apiServerRequest({ serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' }),
 *     admin: adminRequest(),
 *   },
 * });
 * https.createServer({ cert: pki.certificates.apiserver.certificatePem, key: pki.certificates.apiserver.keyPem });
 * ```
 */
export { makePrivateDirectory, readPrivateFile, writeFileAtomically } from './src/atomic-file';
export {
  type BusAuthority,
  type BusKey,
  type BusPermissions,
  type BusTokenRequest,
  createBusKey,
  issueBusToken,
} from './src/bus-authority';
export { ensureBusAuthority } from './src/ensure-bus-authority';
export { type NatsServerConfig, natsServerConfig } from './src/nats-server-config';
export {
  type CertificateRequest,
  type CertificateUsage,
  type KeyPair,
  createAuthority,
  issueCertificate,
} from './src/certificates';
export {
  type BootstrapToken,
  bootstrapTokens,
  createBootstrapToken,
  expirationOf,
  formatBootstrapToken,
  isSignedBy,
  parseBootstrapToken,
  secretsEqual,
  signDetached,
} from './src/bootstrap-tokens';
export { CertificateRequestError } from './src/certificate-request-error';
export {
  type CertificateRequestOptions,
  type RequestedSubject,
  type SigningOptions,
  createCertificateRequest,
  readCertificateRequest,
  readCertificates,
  signCertificateRequest,
} from './src/certificate-requests';
export { type CertificateIdentity, identityOf } from './src/client-identity';
export { type Pki, type PkiOptions, ensurePki } from './src/ensure-pki';
export { isKeyUsage, keyUsageNames } from './src/key-usages';
export {
  type ClusterInfo,
  type KubeconfigOptions,
  clusterInfoKubeconfig,
  kubeconfig,
  readClusterInfo,
  readKubeconfig,
} from './src/kubeconfig';
export { publicKeyPin } from './src/public-key-pin';
export {
  type ServingNames,
  adminRequest,
  apiServerRequest,
  componentRequest,
  kubeletClientRequest,
  nodeRequest,
} from './src/requests';
export {
  type BoundClaims,
  type IssuedToken,
  type ObjectIdentity,
  type TokenClaims,
  TokenError,
  type TokenIssuer,
  type TokenVerifier,
  createSigningKey,
  createTokenIssuer,
  createTokenVerifier,
  jsonWebKeySet,
  keyId,
  openIdConfiguration,
} from './src/tokens';
