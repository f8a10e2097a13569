import { type Namespace } from '#api';
import { type ServedResource } from '../registry/served-resource';
import { type AdmissionRequest } from './admission';
import { namespaceLifecycle } from './namespace-lifecycle';

const request = {
  operation: 'CREATE',
  resource: {
    definition: { group: '', plural: 'configmaps', namespaced: true },
    groupResource: { group: '', resource: 'configmaps' },
  } as unknown as ServedResource,
  namespace: 'new',
  name: 'settings',
} as AdmissionRequest;

/** Whether a ConfigMap may be made, where the cache knows nothing of its namespace. */
const judge = async (inStore: Namespace | undefined): Promise<void> => {
  const plugin = namespaceLifecycle({ group: '', resource: 'namespaces' }, () => Promise.resolve(inStore));
  await plugin.mutate?.(request);
};

describe('a namespace that this gateway has not heard of', () => {
  it('may have been made by another a moment ago', async () => {
    await judge({ metadata: { name: 'new' }, status: { phase: 'Active' } });
  });

  it('may be on its way out', async () => {
    await expect(judge({ metadata: { name: 'new' }, status: { phase: 'Terminating' } })).rejects.toMatchObject({
      code: 403,
      message: expect.stringContaining('because it is being terminated'),
    });
  });

  it('may not be there', async () => {
    await expect(judge(undefined)).rejects.toMatchObject({ code: 404, message: 'namespaces "new" not found' });
  });
});
