import { type CoreEndpointPort, type EndpointAddress, type Endpoints, type EndpointSlice } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath, isValidPortNumber, validateLabels } from '#machinery';
import { address, isAddress, isIpv6, nonSpecialAddress } from '../validation/addresses';
import {
  count,
  dnsLabel,
  dnsSubdomain,
  each,
  immutable,
  invalids,
  isUnset,
  oneOf,
  qualifiedName,
  requiredOneOf,
} from '../validation/checks';
import { type Validation } from '../validation/validation';

const protocols = ['SCTP', 'TCP', 'UDP'];

export const endpointsValidation: Validation<Endpoints> = {
  validateCreate: validateEndpoints,
  validateUpdate: validateEndpoints,
};

function validateEndpoints({ subsets }: DeepReadonly<Endpoints>): FieldError[] {
  return each(subsets, FieldPath.of('subsets'), (subset, path) => {
    const { addresses, notReadyAddresses, ports } = subset;
    if (count(addresses) === 0 && count(notReadyAddresses) === 0) {
      return [field.required(path, 'must specify `addresses` or `notReadyAddresses`')];
    }
    return [
      ...each(addresses, path.child('addresses'), validateEndpointAddress),
      ...each(notReadyAddresses, path.child('notReadyAddresses'), validateEndpointAddress),
      ...each(ports, path.child('ports'), (port, place) => validatePort(port, count(ports) > 1, place)),
    ];
  });
}

function validateEndpointAddress(
  { ip, hostname = '', nodeName }: DeepReadonly<EndpointAddress>,
  path: FieldPath,
): FieldError[] {
  return [
    ...address(ip, path.child('ip')),
    ...(hostname === '' ? [] : dnsLabel(hostname, path.child('hostname'))),
    ...(nodeName === undefined ? [] : dnsSubdomain(nodeName, path.child('nodeName'))),
    ...nonSpecialAddress(ip, path.child('ip')),
  ];
}

function validatePort(port: DeepReadonly<CoreEndpointPort>, needsName: boolean, path: FieldPath): FieldError[] {
  const { name = '', appProtocol } = port;
  const errors: FieldError[] = [];
  if (name !== '') errors.push(...dnsLabel(name, path.child('name')));
  else if (needsName) errors.push(field.required(path.child('name')));
  errors.push(
    ...invalids(isValidPortNumber(port.port), path.child('port'), port.port),
    ...requiredOneOf(port.protocol, protocols, path.child('protocol')),
  );
  return appProtocol === undefined ? errors : [...errors, ...qualifiedName(appProtocol, path.child('appProtocol'))];
}

const MAXIMUM_ENDPOINTS = 1000;
const MAXIMUM_ADDRESSES = 100;
const MAXIMUM_PORTS = 20_000;
const addressType = FieldPath.of('addressType');
const endpoints = FieldPath.of('endpoints');
const ports = FieldPath.of('ports');

export const endpointSliceValidation: Validation<EndpointSlice> = {
  validateCreate: validateSlice,
  validateUpdate: (slice, old) => [
    ...validateSlice(slice),
    ...immutable(slice.addressType, old.addressType, addressType),
  ],
};

type Slice = DeepReadonly<EndpointSlice>;

function validateSlice(slice: Slice): FieldError[] {
  const type = slice.addressType;
  const errors = isUnset(type) ? [field.required(addressType)] : oneOf(type, ['FQDN', 'IPv4', 'IPv6'], addressType);
  return [...errors, ...validateSlicePorts(slice.ports), ...validateSliceEndpoints(slice, type)];
}

function validateSlicePorts(list: Slice['ports']): FieldError[] {
  if (count(list) > MAXIMUM_PORTS) return [field.tooMany(ports, count(list), MAXIMUM_PORTS)];
  const names = new Set<string>();
  return each(list, ports, ({ name = '', protocol, appProtocol, port }, place) => {
    const errors = name === '' ? [] : dnsLabel(name, place.child('name'));
    if (names.has(name)) errors.push(field.duplicate(place.child('name'), name));
    names.add(name);
    if (protocol === undefined) errors.push(field.required(place.child('protocol')));
    else errors.push(...oneOf(protocol, protocols, place.child('protocol')));
    if (port !== undefined && (port < 0 || port > 65_535))
      errors.push(...invalids(isValidPortNumber(port), place.child('port'), port));
    return appProtocol === undefined ? errors : [...errors, ...qualifiedName(appProtocol, place.child('appProtocol'))];
  });
}

function validateSliceEndpoints({ endpoints: list }: Slice, type: string): FieldError[] {
  if (count(list) > MAXIMUM_ENDPOINTS) return [field.tooMany(endpoints, count(list), MAXIMUM_ENDPOINTS)];
  return each(list, endpoints, (endpoint, place) => {
    const addresses = place.child('addresses');
    const errors: FieldError[] = [];
    if (isUnset(endpoint.addresses)) errors.push(field.required(addresses, 'must contain at least 1 address'));
    if (count(endpoint.addresses) > MAXIMUM_ADDRESSES) {
      errors.push(field.tooMany(addresses, count(endpoint.addresses), MAXIMUM_ADDRESSES));
    }
    errors.push(...each(endpoint.addresses, addresses, (value, item) => validateAddress(value, type, item, addresses)));
    const { nodeName, hostname, deprecatedTopology: topology } = endpoint;
    if (nodeName !== undefined) errors.push(...dnsSubdomain(nodeName, place.child('nodeName')));
    errors.push(...validateLabels(topology, place.child('deprecatedTopology')));
    return hostname === undefined ? errors : [...errors, ...dnsLabel(hostname, place.child('hostname'))];
  });
}

function validateAddress(value: string, type: string, path: FieldPath, list: FieldPath): FieldError[] {
  if (type === 'FQDN') return dnsSubdomain(value, path);
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  if (!isAddress(value)) return address(value, path);
  const errors = isIpv6(value) === (type === 'IPv6') ? [] : [field.invalid(list, value, `must be an ${type} address`)];
  return [...errors, ...nonSpecialAddress(value, path)];
}
