// Facts about what the API says about itself; the notation is explained in ./facts.
import { type PackageFacts } from './facts';

export const metaFacts: PackageFacts = {
  'io.k8s.apimachinery.pkg.apis.meta.v1': {
    APIGroup: { serverAddressByClientCIDRs: 'atomic', versions: 'atomic' },
    APIGroupList: { groups: 'atomic' },
    APIResource: { categories: 'atomic', shortNames: 'atomic' },
    APIResourceList: { resources: 'atomic' },
    APIVersions: { serverAddressByClientCIDRs: 'atomic', versions: 'atomic' },
    DeleteOptions: { dryRun: 'atomic' },
    FieldSelectorRequirement: { values: 'atomic' },
    LabelSelector: { '*': 'atomic', matchExpressions: 'atomic' },
    LabelSelectorRequirement: { values: 'atomic' },
    ObjectMeta: { finalizers: 'set merge', managedFields: 'atomic', ownerReferences: 'map(uid) merge(uid)' },
    OwnerReference: { '*': 'atomic' },
    StatusDetails: { causes: 'atomic' },
  },
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1': {
    CustomResourceDefinitionNames: { categories: 'atomic', shortNames: 'atomic' },
    CustomResourceDefinitionSpec: { versions: 'atomic' },
    CustomResourceDefinitionStatus: { conditions: 'map(type)', storedVersions: 'atomic' },
    CustomResourceDefinitionVersion: { additionalPrinterColumns: 'atomic', selectableFields: 'atomic' },
    JSONSchemaProps: {
      allOf: 'atomic',
      anyOf: 'atomic',
      enum: 'atomic',
      oneOf: 'atomic',
      required: 'atomic',
      'x-kubernetes-list-map-keys': 'atomic',
      'x-kubernetes-validations': 'map(rule) merge(rule)',
    },
    WebhookConversion: { conversionReviewVersions: 'atomic' },
  },
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1': {
    APIServiceStatus: { conditions: 'map(type) merge(type)' },
  },
};
