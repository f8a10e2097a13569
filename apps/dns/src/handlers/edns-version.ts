import { type Handler } from '../handler';

/** EDNS has had one version, 0, so far (RFC 6891, 6.1.3). */
export const ednsVersion: Handler = async ({ query }, next) =>
  query.edns === undefined || query.edns.version === 0
    ? next()
    : { by: 'edns', kind: 'records', answer: { rcode: 'BADVERS', isAuthoritative: false, answers: [] } };
