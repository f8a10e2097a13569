import { type FieldError } from '#machinery';
import { context, defaulted, row } from '../common/strategy.fixture';
import {
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from './policies';
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

describe('what a policy must say', () => {
  const texts = (errors: readonly FieldError[] = []): string[] =>
    errors.map(({ field, message }) => `${field}: ${message}`);

  it('is what it is about and what it does', () => {
    expect(
      texts(
        validatingAdmissionPolicies.validateCreate?.(defaulted(validatingAdmissionPolicies, { spec: {} }), context),
      ),
    ).toEqual([
      'spec.matchConstraints: Required value',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ]);
    expect(
      texts(mutatingAdmissionPolicies.validateCreate?.(defaulted(mutatingAdmissionPolicies, { spec: {} }), context)),
    ).toEqual([
      'spec.matchConstraints: Required value',
      'spec.mutations: Required value: mutations must contain at least one item',
      'spec.reinvocationPolicy: Required value',
    ]);
    expect(
      texts(
        validatingAdmissionPolicyBindings.validateCreate?.(
          defaulted(validatingAdmissionPolicyBindings, { spec: {} }),
          context,
        ),
      ),
    ).toEqual([
      'spec.policyName: Required value',
      'spec.validationActions: Required value: at least one validation action is required',
    ]);
    expect(
      texts(
        mutatingAdmissionPolicyBindings.validateCreate?.(
          defaulted(mutatingAdmissionPolicyBindings, { spec: {} }),
          context,
        ),
      ),
    ).toEqual(['spec.policyName: Required value']);
  });
});
