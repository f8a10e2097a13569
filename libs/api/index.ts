/**
 * What kinds exist: generated TypeScript types, schemas, the table of resources, and the documents that are made of them.
 * Everything here is data or a pure function of data.
 *
 * ```ts
 * import { type Pod, resources } from '#api';
 * const pod = await client.get(resources.pods, { namespace: 'default', name: 'web' }); // DeepReadonly<Pod>
 * ```
 */
export type * from './src/generated/types';
export {
  type Resource,
  type ResourceDefinition,
  type SubresourceDefinition,
  type Verb,
  allVerbs,
  formatGroupVersion,
  parseGroupVersion,
  storageVersionHash,
} from './src/resource';
export { allResources, findKind, findResource, resources } from './src/resources';
export { allSchemas, definitionName, findSchema, schemaFor } from './src/schemas';
export {
  type APIGroupDiscoveryList,
  aggregatedDiscoveryDocument,
  aggregatedDiscoveryMediaType,
  apiGroupDocument,
  apiGroupListDocument,
  apiResourceListDocument,
  apiVersionsDocument,
} from './src/discovery';
export {
  type GroupResources,
  type VersionResources,
  compareVersions,
  customGroupPriority,
  groupPriorities,
  groupResources,
} from './src/group-order';
export {
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoleBindings,
  defaultRoles,
  nodeRules,
} from './src/default-objects/default-rbac';
export {
  joinClusterRoleBindings,
  joinClusterRoles,
  joinRoleBindings,
  joinRoles,
} from './src/default-objects/node-join';
export { defaultFlowSchemas, defaultPriorityLevelConfigurations } from './src/default-objects/flow-control';
export { defaultApiServices, defaultNamespaces, defaultPriorityClasses } from './src/default-objects/system-objects';
export { type CustomDefinitions, openApiV2Document } from './src/openapi/openapi-v2';
export { type OpenApiObject } from './src/openapi/schema-objects';
export { type OpenApiV3Index, openApiV3Document, openApiV3Index } from './src/openapi/openapi-v3';
export { deleteAnswersObject, openApiDefinitionName } from './src/openapi/operations';
export {
  type PartialObjectMetadata,
  type PartialObjectMetadataList,
  type Table,
  type TableColumnDefinition,
  type TableRow,
} from './src/table';
export { decodeProtobufMessage } from './src/protobuf/decode-protobuf';
export { encodeOpenApiV2 } from './src/protobuf/encode-openapi-v2';
export { openProtobufEnvelope, type ProtobufEnvelope } from './src/protobuf/envelope';
export { ProtobufError } from './src/protobuf/wire-reader';
