/**
 * The server's internal structs, as far as error texts show them. A word a field: `Name=` is a string, `Name#` a number,
 * `Name!` a boolean, `Name:T` a struct, `Name*T` a pointer to one, `Name[]T` a list of them, `+T` T's fields in this place;
 * a bare `Name` is anything that is null when unset.
 */
export const structs: Readonly<Record<string, string>> = {
  PodSpec:
    'Volumes[]Volume InitContainers[]Container Containers[]Container EphemeralContainers[]EphemeralContainer RestartPolicy= TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy= NodeSelector ServiceAccountName= AutomountServiceAccountToken NodeName= SecurityContext*PodSecurityContext ImagePullSecrets[]Named Hostname= Subdomain= SetHostnameAsFQDN Affinity*Affinity SchedulerName= Tolerations[]Toleration HostAliases[]HostAlias PriorityClassName= Priority PreemptionPolicy DNSConfig*DNSConfig ReadinessGates[]ReadinessGate RuntimeClassName Overhead EnableServiceLinks TopologySpreadConstraints[]Spread OS*Named SchedulingGates[]Named ResourceClaims[]PodResourceClaim Resources*Resources HostnameOverride SchedulingGroup',
  PodSecurityContext:
    'HostNetwork! HostPID! HostIPC! ShareProcessNamespace HostUsers SELinuxOptions*SELinux WindowsOptions RunAsUser RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy FSGroup FSGroupChangePolicy Sysctls[]NameValue SeccompProfile*Profile AppArmorProfile*Profile SELinuxChangePolicy',
  Container: '+ContainerCommon',
  EphemeralContainer: '+ContainerCommon TargetContainerName=',
  ContainerCommon:
    'Name= Image= Command Args WorkingDir= Ports[]ContainerPort EnvFrom[]EnvFrom Env[]EnvVar Resources:Resources ResizePolicy[]ResizePolicy RestartPolicy RestartPolicyRules VolumeMounts[]VolumeMount VolumeDevices[]VolumeDevice LivenessProbe*Probe ReadinessProbe*Probe StartupProbe*Probe Lifecycle*Lifecycle TerminationMessagePath= TerminationMessagePolicy= ImagePullPolicy= SecurityContext*SecurityContext Stdin! StdinOnce! TTY!',
  ContainerPort: 'Name= HostPort# ContainerPort# Protocol= HostIP=',
  EnvFrom: 'Prefix= ConfigMapRef*OptionalName SecretRef*OptionalName',
  OptionalName: 'Name= Optional',
  EnvVar: 'Name= Value= ValueFrom*EnvVarSource',
  EnvVarSource:
    'FieldRef*FieldRef ResourceFieldRef*ResourceFieldRef ConfigMapKeyRef*KeyRef SecretKeyRef*KeyRef FileKeyRef*FileKeyRef',
  FieldRef: 'APIVersion= FieldPath=',
  ResourceFieldRef: 'ContainerName= Resource= Divisor=',
  KeyRef: 'Name= Key= Optional',
  FileKeyRef: 'VolumeName= Path= Key= Optional',
  Resources: 'Limits Requests Claims[]Claim',
  Claim: 'Name= Request=',
  ResizePolicy: 'ResourceName= RestartPolicy=',
  VolumeMount: 'Name= ReadOnly! RecursiveReadOnly MountPath= SubPath= MountPropagation SubPathExpr=',
  VolumeDevice: 'Name= DevicePath=',
  Probe:
    '+Handler InitialDelaySeconds# TimeoutSeconds# PeriodSeconds# SuccessThreshold# FailureThreshold# TerminationGracePeriodSeconds',
  Handler: 'Exec*Exec HTTPGet*HTTPGet TCPSocket*TCPSocket GRPC*GRPC',
  LifecycleHandler: 'Exec*Exec HTTPGet*HTTPGet TCPSocket*TCPSocket Sleep*Sleep',
  Exec: 'Command',
  HTTPGet: 'Path= Port# Host= Scheme= HTTPHeaders[]NameValue',
  TCPSocket: 'Port# Host=',
  GRPC: 'Port# Service',
  Sleep: 'Seconds#',
  Lifecycle: 'PostStart*LifecycleHandler PreStop*LifecycleHandler StopSignal',
  SecurityContext:
    'Capabilities*Capabilities Privileged SELinuxOptions*SELinux WindowsOptions RunAsUser RunAsGroup RunAsNonRoot ReadOnlyRootFilesystem AllowPrivilegeEscalation ProcMount SeccompProfile*Profile AppArmorProfile*Profile',
  Capabilities: 'Add Drop',
  SELinux: 'User= Role= Type= Level=',
  Profile: 'Type= LocalhostProfile',
  Named: 'Name=',
  NameValue: 'Name= Value=',
  HostAlias: 'IP= Hostnames',
  Toleration: 'Key= Operator= Value= Effect= TolerationSeconds',
  DNSConfig: 'Nameservers Searches Options[]DNSOption',
  DNSOption: 'Name= Value',
  ReadinessGate: 'ConditionType=',
  PodResourceClaim: 'Name= ResourceClaimName ResourceClaimTemplateName',
  Spread:
    'MaxSkew# TopologyKey= WhenUnsatisfiable= LabelSelector MinDomains NodeAffinityPolicy NodeTaintsPolicy MatchLabelKeys',
  Affinity: 'NodeAffinity*NodeAffinity PodAffinity*PodAffinity PodAntiAffinity*PodAffinity',
  NodeAffinity:
    'RequiredDuringSchedulingIgnoredDuringExecution*NodeSelector PreferredDuringSchedulingIgnoredDuringExecution[]PreferredNode',
  NodeSelector: 'NodeSelectorTerms[]NodeTerm',
  NodeTerm: 'MatchExpressions[]Requirement MatchFields[]Requirement',
  PreferredNode: 'Weight# Preference:NodeTerm',
  Requirement: 'Key= Operator= Values',
  PodAffinity:
    'RequiredDuringSchedulingIgnoredDuringExecution[]PodTerm PreferredDuringSchedulingIgnoredDuringExecution[]WeightedPod',
  PodTerm: 'LabelSelector Namespaces TopologyKey= NamespaceSelector MatchLabelKeys MismatchLabelKeys',
  WeightedPod: 'Weight# PodAffinityTerm:PodTerm',

  Volume: 'Name= +VolumeSource',
  VolumeSource:
    'HostPath*HostPath EmptyDir*EmptyDir GCEPersistentDisk AWSElasticBlockStore GitRepo*GitRepo Secret*SecretVolume NFS*NFS ISCSI Glusterfs PersistentVolumeClaim*ClaimVolume RBD Quobyte FlexVolume Cinder CephFS Flocker DownwardAPI*DownwardAPI FC AzureFile ConfigMap*ConfigMapVolume VsphereVolume AzureDisk PhotonPersistentDisk Projected*Projected PortworxVolume ScaleIO StorageOS CSI*CSIVolume Ephemeral*Ephemeral Image*ImageVolume',
  HostPath: 'Path= Type',
  EmptyDir: 'Medium= SizeLimit',
  GitRepo: 'Repository= Revision= Directory=',
  SecretVolume: 'SecretName= Items[]KeyToPath DefaultMode Optional',
  ConfigMapVolume: 'Name= Items[]KeyToPath DefaultMode Optional',
  KeyToPath: 'Key= Path= Mode',
  NFS: 'Server= Path= ReadOnly!',
  ClaimVolume: 'ClaimName= ReadOnly!',
  DownwardAPI: 'Items[]DownwardAPIFile DefaultMode',
  DownwardAPIFile: 'Path= FieldRef*FieldRef ResourceFieldRef*ResourceFieldRef Mode',
  Projected: 'Sources[]Projection DefaultMode',
  Projection:
    'Secret*NamedItems DownwardAPI*DownwardAPIItems ConfigMap*NamedItems ServiceAccountToken*Token ClusterTrustBundle PodCertificate',
  NamedItems: 'Name= Items[]KeyToPath Optional',
  DownwardAPIItems: 'Items[]DownwardAPIFile',
  Token: 'Audience= ExpirationSeconds# Path=',
  CSIVolume: 'Driver= ReadOnly FSType VolumeAttributes NodePublishSecretRef*Named',
  Ephemeral: 'VolumeClaimTemplate',
  ImageVolume: 'Reference= PullPolicy=',

  PersistentVolumeClaimSpec:
    'AccessModes Selector Resources:VolumeResources VolumeName= StorageClassName VolumeMode DataSource DataSourceRef VolumeAttributesClassName',
  VolumeResources: 'Limits Requests',
  PersistentVolumeSource:
    'GCEPersistentDisk AWSElasticBlockStore HostPath*PersistentHostPath Glusterfs NFS*NFS RBD Quobyte ISCSI FlexVolume Cinder CephFS FC Flocker AzureFile VsphereVolume AzureDisk PhotonPersistentDisk PortworxVolume ScaleIO Local*Local StorageOS CSI*PersistentCSI',
  PersistentHostPath: 'Path= Type=',
  Local: 'Path= FSType',
  PersistentCSI:
    'Driver= VolumeHandle= ReadOnly! FSType= VolumeAttributes ControllerPublishSecretRef NodeStageSecretRef NodePublishSecretRef ControllerExpandSecretRef NodeExpandSecretRef',

  CSINodeDriver: 'Name= NodeID= TopologyKeys Allocatable',
  ServiceCIDRSpec: 'CIDRs',
  ServicePort: 'Name= Protocol= AppProtocol Port# TargetPort# NodePort#',
  RoleRef: 'APIGroup= Kind= Name=',
  VolumeAttachmentSpec: 'Attacher= Source:VolumeAttachmentSource NodeName=',
  VolumeAttachmentSource: 'PersistentVolumeName InlineVolumeSpec',
  ResourceClaimTemplateSpec: 'Spec:ResourceClaimSpec',
  ResourceClaimSpec: 'Devices:DeviceClaim',
  DeviceClaim: 'Requests Constraints Config',
};
