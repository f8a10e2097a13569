import { problemsOf } from '../common/strategy.fixture';
import { validatingAdmissionPolicyBindings } from './policies';
import { mutatingWebhookConfigurations } from './webhooks';

describe('validation of bindings', () => {
  const problems = (spec: object): string[] =>
    problemsOf(validatingAdmissionPolicyBindings, { spec: { policyName: 'p', validationActions: ['Deny'], ...spec } });

  it.each<[object, string[]]>([
    [{}, []],
    [{ policyName: 'A' }, [expect.stringContaining('spec.policyName: Invalid value: "A"')]],
    [
      { validationActions: ['Deny', 'Warn', 'Deny'] },
      [
        'spec.validationActions[2]: Duplicate value: "Deny"',
        'spec.validationActions: Invalid value: ["Deny","Warn","Deny"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    [
      { paramRef: {} },
      [
        'spec.paramRef: Required value: one of name or selector must be specified',
        'spec.paramRef.parameterNotFoundAction: Required value',
      ],
    ],
    [
      { paramRef: { name: 'n', selector: {}, parameterNotFoundAction: 'Odd' } },
      [
        'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.parameterNotFoundAction: Unsupported value: "Odd": supported values: "Allow", "Deny"',
      ],
    ],
  ])('%j', (spec, expected) => expect(problems(spec)).toEqual(expected));
});

describe('mutating webhooks', () => {
  it('are asked again or not', () => {
    const webhook = {
      name: 'a.b.c',
      clientConfig: { url: 'https://x' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      reinvocationPolicy: 'Odd',
    };
    expect(problemsOf(mutatingWebhookConfigurations, { webhooks: [webhook] })).toEqual([
      'webhooks[0].reinvocationPolicy: Unsupported value: "Odd": supported values: "IfNeeded", "Never"',
    ]);
  });
});
