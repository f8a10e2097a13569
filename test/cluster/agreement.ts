import { type Resource, resources } from '#api';
import { type ObjectClient } from '#client';
import { type KubernetesObject } from '#machinery';
import { apiDigests } from '../tools/api-digests';
import { eventually } from '../tools/eventually';
import { type ProcessCluster } from './process-cluster';

/** They have no informers. */
const WITHOUT = /^(nats|store|load-balancer|gateway-\d+)$/;

/**
 * Every informer of every process holds what the API has, object by object. Of Secrets only metadata goes over the bus; they are compared
 * by their versions.
 * @returns how many informers were compared
 */
export async function informersAgree(cluster: ProcessCluster, api: ObjectClient): Promise<number> {
  const names = [...cluster.processes.keys()].filter((name) => !WITHOUT.test(name));
  const keys = new Set<string>();
  for (const name of names) for (const key of Object.keys(await cluster.informers(name))) keys.add(key);
  let compared = 0;
  for (const key of keys) {
    const { resource, fieldSelector } = parse(key);
    const isSecret = resource.plural === resources.secrets.plural;
    // Leases of nodes and leaders change all the time: there is a moment in which all agree.
    compared += await eventually(async () => {
      const dumps = await Promise.all(names.map((name) => cluster.informers(name)));
      const truth = await apiDigests(api, resource, fieldSelector === '' ? {} : { fieldSelector });
      const held = dumps.flatMap((dump, index) => {
        const found = dump[key];
        return found === undefined ? [] : [{ name: names[index], objects: found.objects }];
      });
      for (const { name, objects } of held) {
        const said = { name, key, objects: isSecret ? versions(objects) : objects };
        expect(said).toEqual({ name, key, objects: isSecret ? versions(truth) : truth });
      }
      return held.length;
    }, 30_000);
  }
  return compared;
}

function versions(objects: Readonly<Record<string, { readonly resourceVersion: string }>>): Record<string, string> {
  return Object.fromEntries(Object.entries(objects).map(([key, { resourceVersion }]) => [key, resourceVersion]));
}

/** `plural[.group][?selector]`, as `/debug/informers` names them. */
function parse(key: string): { resource: Resource<KubernetesObject>; fieldSelector: string } {
  const [name = '', fieldSelector = ''] = key.split(/\?(.*)/s);
  const all = Object.values(resources) as unknown as Resource<KubernetesObject>[];
  const resource = all.find(({ group, plural }) => name === (group === '' ? plural : `${plural}.${group}`));
  if (resource === undefined) throw new Error(`no resource ${name}`);
  return { resource, fieldSelector };
}
