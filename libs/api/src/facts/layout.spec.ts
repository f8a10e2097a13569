import { allSchemas } from '../../index';
import { embeddedFields, type LayoutFacts, omittedWhenEmpty, omittedWhenZero, writtenFields } from './layout';

describe('layout facts', () => {
  it.each<[string, LayoutFacts]>(Object.entries({ embeddedFields, writtenFields, omittedWhenEmpty, omittedWhenZero }))(
    '%s name fields that exist',
    (_, facts) => {
      const known = new Set(
        [...allSchemas()].flatMap(([name, { fields }]) =>
          Object.keys(fields).map((field) => `${name.slice(name.lastIndexOf('.') + 1)}.${field}`),
        ),
      );
      const named = Object.entries(facts).flatMap(([kind, fields]) =>
        fields.split(' ').map((field) => `${kind}.${field}`),
      );
      expect(named.filter((field) => !known.has(field))).toEqual([]);
    },
  );

  it('reach the schemas', () => {
    const fields = (name: string) => allSchemas().get(name)?.fields ?? {};
    expect(fields('io.k8s.api.core.v1.Pod').metadata?.embedded).toBe(true);
    expect(fields('io.k8s.api.core.v1.PodSpec').securityContext?.embedded).toBeUndefined();
    expect(fields('io.k8s.api.rbac.v1.Role').rules?.written).toBe(true);
    expect(fields('io.k8s.api.core.v1.EnvVar').value?.omitZero).toBe(true);
    const binding = fields('io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec');
    expect(binding.validationActions).toMatchObject({ required: true, omitEmpty: true });
    expect(fields('io.k8s.api.apps.v1.DeploymentSpec').replicas?.omitZero).toBeUndefined();
  });
});
