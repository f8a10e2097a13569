import { type RuntimeLimit } from '../../container-runtime';
import { type UserNamespace } from './user-namespace';

/**
 * What an ordinary user's node cannot do, as conditions: True says that something is missing, as with the kubelet's pressures.
 * @param problem why nothing goes out of its network, if it does not
 */
export function limitsOf({ users, groups }: UserNamespace, problem?: string): RuntimeLimit[] {
  const isAlone = [users, groups].some((ranges) => ranges.every(({ count }) => count === 1));
  return [
    {
      type: 'ResourceLimitsIgnored',
      isThere: true,
      reason: 'Rootless',
      message:
        'without root there are no control groups: limits of CPU, memory and processes are not enforced, and nothing is counted',
    },
    {
      type: 'SingleUser',
      isThere: isAlone,
      reason: isAlone ? 'NoSubordinateIds' : 'HasSubordinateIds',
      message: isAlone
        ? 'there is user and group 0 only, to which all files of images belong: others take newuidmap (Debian: uidmap) and a range in /etc/subuid and /etc/subgid'
        : 'pods have users and groups of their own',
    },
    {
      type: 'NetworkRestricted',
      isThere: true,
      reason: problem === undefined ? 'RelayedNetwork' : 'NoWayOut',
      message:
        problem === undefined
          ? 'pods reach the outside by TCP, and names by the cluster DNS; other datagrams and ping do not leave the node, nor do nodes on other machines reach its pods'
          : `pods reach names by the cluster DNS, and nothing else of the outside: the kernel's packet filter cannot be used (${problem})`,
    },
  ];
}
