import { type Handler } from '../handler';

/** Names of other classes (CHAOS, HESIOD, ANY) are nobody's here: refused, as CoreDNS does without its plugin chaos. */
export const internetOnly: Handler = async ({ query }, next) =>
  query.isInternet
    ? next()
    : { by: '', kind: 'records', answer: { rcode: 'REFUSED', isAuthoritative: false, answers: [] } };
