import { formatQuantity, parseQuantity, roundQuantityUp } from '#machinery';

type ResourceList = Record<string, string>;

/** Amounts below one thousandth are rounded up to it (`SetDefaults_ResourceList`). */
const MILLI = -3;

export function roundResourceList(list: ResourceList | undefined): void {
  for (const [name, amount] of Object.entries(list ?? {})) {
    const quantity = parseQuantity(amount);
    const rounded = roundQuantityUp(quantity, MILLI);
    if (rounded.nanos !== quantity.nanos) (list as ResourceList)[name] = formatQuantity(rounded);
  }
}

export function roundResources(resources: { limits?: ResourceList; requests?: ResourceList } | undefined): void {
  roundResourceList(resources?.limits);
  roundResourceList(resources?.requests);
}

/** What is limited and not requested is requested as far as it is limited. */
export function requestWhatIsLimited(resources: { limits?: ResourceList; requests?: ResourceList } | undefined): void {
  if (resources?.limits === undefined) return;
  resources.requests = { ...resources.limits, ...resources.requests };
}
