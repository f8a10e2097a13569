import { defaulted, row } from '../common/strategy.fixture';
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from './policies';
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from './webhooks';

const selectsAll = { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} };

describe('webhooks', () => {
  const webhooks = [{ name: 'w.example.com', clientConfig: { service: { name: 's', namespace: 'n' } }, rules: [{}] }];
  const expected = {
    ...selectsAll,
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    clientConfig: { service: { port: 443 } },
    rules: [{ scope: '*' }],
  };

  it('that validate select all and must answer within ten seconds', () => {
    const [webhook] = defaulted(validatingWebhookConfigurations, { webhooks }).webhooks ?? [];
    expect(webhook).toMatchObject(expected);
    expect(webhook).not.toHaveProperty('reinvocationPolicy');
  });

  it('that mutate are called once', () => {
    const [webhook] = defaulted(mutatingWebhookConfigurations, { webhooks }).webhooks ?? [];
    expect(webhook).toMatchObject({ ...expected, reinvocationPolicy: 'Never' });
  });
});

describe('admission policies', () => {
  it('fail closed and match all', () => {
    const spec = { matchConstraints: { resourceRules: [{ operations: ['CREATE'] }] } };
    expect(defaulted(validatingAdmissionPolicies, { spec }).spec).toMatchObject({
      failurePolicy: 'Fail',
      matchConstraints: { ...selectsAll, resourceRules: [{ operations: ['CREATE'], scope: '*' }] },
    });
  });

  it.each<[object | undefined, string]>([
    [undefined, '<unset>'],
    [{ name: 'p' }, '*/p'],
    [{ name: 'p', namespace: 'n' }, 'n/p'],
  ])('bindings with %j show %s', (paramRef, text) => {
    const binding = defaulted(validatingAdmissionPolicyBindings, { spec: { policyName: 'x', paramRef } });
    expect(row(validatingAdmissionPolicyBindings, binding)).toMatchObject({ PolicyName: 'x', ParamRef: text });
  });
});
