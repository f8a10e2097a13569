import { parse } from 'yaml';
import { kubeconfig } from '../index';

describe('kubeconfig', () => {
  const server = 'https://127.0.0.1:6443';

  it('has one context with everything in it', () => {
    const credentials = { certificatePem: 'certificate', keyPem: 'key' };
    const config = parse(kubeconfig({ server, authorityPem: 'authority', credentials, namespace: 'web' })) as unknown;
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    expect(config).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'nestor', cluster: { server, 'certificate-authority-data': encoded('authority') } }],
      users: [
        {
          name: 'nestor',
          user: { 'client-certificate-data': encoded('certificate'), 'client-key-data': encoded('key') },
        },
      ],
      contexts: [{ name: 'nestor', context: { cluster: 'nestor', user: 'nestor', namespace: 'web' } }],
      'current-context': 'nestor',
    });
  });

  it('never folds its long lines', () => {
    const text = kubeconfig({ server, authorityPem: 'x'.repeat(2000), credentials: { token: 't'.repeat(900) } });
    expect(text).toContain(`token: ${'t'.repeat(900)}\n`);
    expect(text).toContain(`certificate-authority-data: ${Buffer.from('x'.repeat(2000)).toString('base64')}\n`);
  });
});
