import { allResources } from '../../index';
import { defaultFlowSchemas, defaultPriorityLevelConfigurations } from './flow-control';
import { defaultApiServices, defaultNamespaces } from './system-objects';

describe('system objects', () => {
  it('send every flow to a priority level that exists', () => {
    const levels = defaultPriorityLevelConfigurations().map(({ metadata }) => metadata?.name);
    for (const { spec } of defaultFlowSchemas()) expect(levels).toContain(spec?.priorityLevelConfiguration.name);
  });

  it('register each group version once, under the name that kubectl shows', () => {
    const names = defaultApiServices(allResources).map(({ metadata }) => metadata?.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('v1.');
    expect(names).toContain('v2.autoscaling');
    expect(names).not.toContain('v1.apiregistration.k8s.io');
  });

  it('label namespaces with their name', () => {
    expect(defaultNamespaces().map(({ metadata }) => metadata?.labels?.['kubernetes.io/metadata.name'])).toEqual([
      'default',
      'kube-node-lease',
      'kube-public',
      'kube-system',
    ]);
  });
});
