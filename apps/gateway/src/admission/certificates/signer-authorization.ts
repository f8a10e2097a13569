import { type Authorizer } from '../../authz/attributes';
import { type UserInfo } from '../../kinds/strategy';

/** Whether somebody may `approve` or `sign` for a signer, by name or for all of its domain (`example.com/*`). */
export function isAuthorizedForSigner(
  authorizer: Authorizer,
  user: UserInfo,
  verb: 'approve' | 'sign',
  signerName: string,
): boolean {
  const domain = signerName.split('/')[0] ?? '';
  return [signerName, `${domain}/*`].some(
    (name) =>
      authorizer.authorize({
        user,
        verb,
        isResourceRequest: true,
        group: 'certificates.k8s.io',
        resource: 'signers',
        subresource: '',
        namespace: '',
        name,
        path: '',
      }).allowed,
  );
}
