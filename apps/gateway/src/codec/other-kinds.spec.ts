import { otherKind, otherSchema } from './other-kinds';

const secret = { group: '', version: 'v1', kind: 'Secret' };
const configMap = { group: '', version: 'v1', kind: 'ConfigMap' };
const deployment = { group: 'apps', version: 'v1', kind: 'Deployment' };

describe('bodies of another kind than the path is about', () => {
  it('are read as what they say they are', () => {
    expect(otherSchema(secret, configMap)?.fields['stringData']).toBeDefined();
    expect(otherSchema({ ...secret, kind: 'Odd' }, configMap)).toBeUndefined();
  });

  it('are unknown where upstream has a scheme for the group alone', () => {
    const apiService = { group: 'apiregistration.k8s.io', version: 'v1', kind: 'APIService' };
    expect(otherSchema(secret, apiService)).toBeUndefined();
    expect(otherSchema(apiService, configMap)).toBeUndefined();
  });

  it.each([
    [
      secret,
      configMap,
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap)',
    ],
    [secret, deployment, 'converting (v1.Secret) to (apps.Deployment): unknown conversion'],
  ])('%j is no %j', (actual, expected, text) => {
    expect(otherKind(actual, expected).message).toContain(text);
  });

  it('are told from other versions of the same kind', () => {
    const autoscaler = { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' };
    expect(otherKind({ ...autoscaler, version: 'v1' }, autoscaler).message).toBe(
      'the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)',
    );
  });
});
