import { createAuthority, issueCertificate, type KeyPair } from '#pki';
