import { type LimitRange, type LimitRangeItem, resources } from '#api';
import { emptyIsNull } from '../common/lists';
import { roundResourceList } from '../pods/resource-defaults';
import { type ResourceStrategy } from '../strategy';
import { limitRangeValidation } from './limit-range-validation';

export const limitRanges: ResourceStrategy<LimitRange> = {
  resource: resources.limitRanges,
  ...limitRangeValidation,

  setDefaults({ spec }) {
    for (const item of spec?.limits ?? []) setItemDefaults(item);
  },

  prepareForCreate({ metadata, spec }) {
    // One that nobody named is named by its identity.
    if (metadata !== undefined && !metadata.name) metadata.name = metadata.uid;
    emptyIsNull(spec, 'limits');
  },
  prepareForUpdate: ({ spec }) => emptyIsNull(spec, 'limits'),
  allowCreateOnUpdate: true,
};

/** For containers a maximum is a limit, a limit is a request, and so is a minimum, as far as none is given. */
function setItemDefaults(item: LimitRangeItem): void {
  if (item.type === 'Container') {
    const limits = { ...item.max, ...item.default };
    const requests = { ...item.min, ...limits, ...item.defaultRequest };
    if (Object.keys(limits).length > 0) item.default = limits;
    if (Object.keys(requests).length > 0) item.defaultRequest = requests;
  }
  for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio]) {
    roundResourceList(list);
  }
}
