import { type CSINode, type CSINodeDriver } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { validateDriverName } from '../pods/volume-parts-validation';
import { each, isUnset, nonNegative, qualifiedName, sameValue } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { type Validation } from '../validation/validation';

const drivers = FieldPath.of('spec').child('drivers');
const MAXIMUM_NODE_ID_BYTES = 256;

type Driver = DeepReadonly<CSINodeDriver>;

export const csiNodeValidation: Validation<CSINode> = {
  validateCreate: validateNode,
  validateUpdate: (node, old) => [...validateNode(node), ...validateKept(node, old)],
};

function validateNode({ spec }: DeepReadonly<CSINode>): FieldError[] {
  const names = new Set<string>();
  return each(spec.drivers, drivers, (driver, path) => {
    const errors = validateDriver(driver, path);
    if (names.has(driver.name)) errors.push(field.duplicate(path.child('name'), driver.name));
    names.add(driver.name);
    return errors;
  });
}

function validateDriver({ name, nodeID, allocatable, topologyKeys }: Driver, path: FieldPath): FieldError[] {
  const errors = validateDriverName(name, path.child('name'));
  const id = path.child('nodeID');
  if (isUnset(nodeID)) errors.push(field.required(id));
  if (Buffer.byteLength(nodeID) > MAXIMUM_NODE_ID_BYTES) {
    errors.push(field.invalid(id, nodeID, `must be ${MAXIMUM_NODE_ID_BYTES} characters or less`));
  }
  errors.push(...nonNegative(allocatable?.count, path.child('allocatable', 'count')));
  const keys = new Set<string>();
  for (const key of topologyKeys ?? []) {
    if (key === '') errors.push(field.required(path));
    if (keys.has(key)) errors.push(field.duplicate(path, key));
    keys.add(key);
    errors.push(...qualifiedName(key, path));
  }
  return errors;
}

/** Of a driver that stays only the limit of volumes may change (KEP-4876). */
function validateKept(node: DeepReadonly<CSINode>, old: DeepReadonly<CSINode>): FieldError[] {
  const { spec } = node;
  // Empty lists are held as null.
  const before = (old.spec.drivers as readonly Driver[] | null) ?? [];
  return ((spec.drivers as readonly Driver[] | null) ?? []).flatMap((driver) => {
    const previous = before.find(({ name }) => name === driver.name);
    const { allocatable: _limit, ...fixed } = driver;
    const { allocatable: _previousLimit, ...wasFixed } = previous ?? driver;
    if (sameValue(fixed, wasFixed)) return [];
    return [field.invalid(drivers, goStruct(fixed, 'CSINodeDriver'), 'field is immutable')];
  });
}
