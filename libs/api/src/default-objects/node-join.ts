// What lets nodes join, as kubeadm installs it, and under kubeadm's names.
import { type ClusterRole, type ClusterRoleBinding, type Role, type RoleBinding } from '../generated/types';
import { clusterRoleRef, group, read, roleRef, rule, serviceAccount, user } from './rules';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const bootstrappers = group('system:bootstrappers');
const nodes = group('system:nodes');
const signingRequests = 'system:certificates.k8s.io:certificatesigningrequests';
const getNodes = 'kubeadm:get-nodes';
const servingApprover = 'nestor:kubelet-serving-approver';
const readClusterInfo = 'kubeadm:bootstrap-signer-clusterinfo';

export function joinClusterRoles(): ClusterRole[] {
  return [
    // A node that joins sees whether its name is taken.
    { apiVersion, kind: 'ClusterRole', metadata: { name: getNodes }, rules: [rule('get', 'core', 'nodes')] },
    {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name: servingApprover },
      rules: [
        rule(read, 'certificates.k8s.io', 'certificatesigningrequests'),
        rule('update', 'certificates.k8s.io', 'certificatesigningrequests/approval'),
        rule('approve', 'certificates.k8s.io', 'signers', 'kubernetes.io/kubelet-serving'),
      ],
    },
  ];
}

/** Who holds a bootstrap token may ask for a node's certificate and gets it; a node renews its own. */
export function joinClusterRoleBindings(): ClusterRoleBinding[] {
  return (
    [
      ['kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', bootstrappers],
      ['kubeadm:node-autoapprove-bootstrap', `${signingRequests}:nodeclient`, bootstrappers],
      ['kubeadm:node-autoapprove-certificate-rotation', `${signingRequests}:selfnodeclient`, nodes],
      [getNodes, getNodes, bootstrappers],
      [servingApprover, servingApprover, serviceAccount('kubelet-serving-approver')],
      // The service proxy runs inside the node agent, where upstream has a kube-proxy with an account of its own on each node.
      ['nestor:node-proxier', 'system:node-proxier', nodes],
    ] as const
  ).map(([name, role, subject]) => ({
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    subjects: [subject],
    roleRef: clusterRoleRef(role),
  }));
}

/** Whom to trust is public: `kube-public/cluster-info` may be read by anybody. */
export function joinRoles(): Role[] {
  return [
    {
      apiVersion,
      kind: 'Role',
      metadata: { namespace: 'kube-public', name: readClusterInfo },
      rules: [rule('get', 'core', 'configmaps', 'cluster-info')],
    },
  ];
}

export function joinRoleBindings(): RoleBinding[] {
  return [
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { namespace: 'kube-public', name: readClusterInfo },
      subjects: [user('system:anonymous')],
      roleRef: roleRef(readClusterInfo),
    },
  ];
}
