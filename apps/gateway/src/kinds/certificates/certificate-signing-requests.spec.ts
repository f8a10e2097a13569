import { context, created, row, updated } from '../common/strategy.fixture';
import { certificateSigningRequests } from './certificate-signing-requests';

const spec = { request: 'eA==', signerName: 'example.com/s', expirationSeconds: 3600 };

describe('certificate signing requests', () => {
  const request = created(certificateSigningRequests, {
    metadata: { name: 'r' },
    spec: { ...spec, username: 'admin', uid: '1', groups: ['system:masters'] },
  });
  const approve = { type: 'Approved', status: 'True', reason: 'Fine' };
  const approved = updated(
    certificateSigningRequests,
    request,
    (object) => (object.status = { certificate: 'eA==', conditions: [approve] }),
    'approval',
  );

  it('say who asks, whatever the client says', () => {
    expect(request.spec).toMatchObject({ username: 'jane', groups: context.user.groups, extra: { team: ['red'] } });
    expect(request.spec).not.toHaveProperty('uid');
  });

  it('are approved by conditions alone', () => {
    const stamped = { ...approve, lastUpdateTime: context.now, lastTransitionTime: context.now };
    expect(approved.status).toEqual({ conditions: [stamped] });
  });

  it('stay approved when the signer reports', () => {
    const failed = { type: 'Failed', status: 'True' };
    const next = updated(
      certificateSigningRequests,
      approved,
      (object) => (object.status = { conditions: [failed] }),
      'status',
    );
    expect(next.status?.conditions?.map(({ type }) => type)).toEqual(['Failed', 'Approved']);
  });

  it('do not change', () => {
    const next = updated(certificateSigningRequests, request, (object) => (object.spec.signerName = 'other'));
    expect(next.spec).toEqual(request.spec);
  });

  it.each<[object, string]>([
    [{}, 'Pending'],
    [{ conditions: [{ type: 'Approved' }], certificate: 'eA==' }, 'Approved,Issued'],
    [{ conditions: [{ type: 'Approved' }, { type: 'Denied' }] }, 'Denied'],
    [{ conditions: [{ type: 'Approved' }, { type: 'Failed' }] }, 'Approved,Failed'],
  ])('%j is shown as %s', (status, text) => {
    expect(row(certificateSigningRequests, { ...request, status })).toMatchObject({
      RequestedDuration: '60m',
      Condition: text,
    });
  });
});
