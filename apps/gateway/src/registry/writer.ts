import { randomUUID } from 'node:crypto';
import {
  ApiError,
  type Clock,
  type DeepReadonly,
  type KubernetesObject,
  type ObjectMeta,
  alreadyExists,
  badRequest,
  beingDeleted,
  conflict,
  field,
  generateNameConflict,
  goQuote,
  invalid,
  notFound,
  unknownError,
  zeroStruct,
} from '#machinery';
import { type AdmissionChain, type AdmissionRequest, type Operation } from '../admission/admission';
import { type Decision, type ObjectStorage, type TransactionPart } from '../storage/object-storage';
import { type VersionedObject, versioned } from '../storage/versioned-object';
import { type DeleteOptions, checkPreconditions, isDeletedByUpdate, planDeletion } from './deletion';
import { isNewGeneration, tracksGeneration } from './generation';
import { defaultNameRule, generateName } from './names';
import { metadataChecks, validateObjectMeta, validateObjectMetaUpdate } from './object-meta-validation';
import { recordUpdate } from './ownership';
import { type ServedResource } from './served-resource';
import { type WriteContext, strategyContext } from './write-context';

/** Attempts to find a free name for `generateName`. */
const nameAttempts = 8;

/** Reservations that go with an object into its transaction (cluster IPs, node ports). */
export interface Reservations {
  /** Looks at an object that is about to be created before anything else does. Throws what is wrong with it so early. */
  begin?(object: DeepReadonly<KubernetesObject>): void;
  /** Completes the object (it may change it) and says what to write with it. Throws `ApiError` if that cannot be had. */
  reserve(object: KubernetesObject, old: DeepReadonly<KubernetesObject> | undefined): TransactionPart | undefined;
  release(old: DeepReadonly<KubernetesObject>): TransactionPart | undefined;
}

/** The new state of an object, computed from the current one: the heart of update, patch and apply. */
export interface UpdateSource {
  /**
   * Decoded and defaulted, owned by the caller, with managedFields up to date. Called again on conflicts.
   * @param old undefined if the object does not exist
   */
  next(old: DeepReadonly<KubernetesObject> | undefined): KubernetesObject | Promise<KubernetesObject>;
  /** Create the object if it is missing, whatever the kind's rule. */
  readonly createIfMissing?: boolean;
}

export interface WriteOutcome {
  readonly object: VersionedObject;
  readonly created: boolean;
}

export interface DeleteOutcome {
  readonly object: VersionedObject;
  /** False: it waits for finalizers or grace. */
  readonly removed: boolean;
}

/** Create, update and delete of any resource: `registry/generic/registry.Store`. */
export class Writer {
  constructor(
    private readonly storage: ObjectStorage,
    private readonly admission: AdmissionChain,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly reservationsOf: (resource: ServedResource) => Reservations | undefined,
  ) {}

  /** @param object decoded and defaulted; belongs to the writer from now on */
  async create(resource: ServedResource, object: KubernetesObject, context: WriteContext): Promise<VersionedObject> {
    const meta = (object.metadata ??= {});
    // What is no number at all is ignored here, as upstream does.
    if (/^\d+$/.test(meta.resourceVersion ?? '') && Number(meta.resourceVersion) !== 0) {
      throw unknownError('resourceVersion should not be set on objects to be created');
    }
    matchNamespace(resource, meta, context.namespace);
    recordUpdate(resource, object, undefined, context, this.clock.now());
    return this.insert(resource, object, context);
  }

  /** Create for an object whose managedFields are up to date already. */
  async insert(resource: ServedResource, object: KubernetesObject, context: WriteContext): Promise<VersionedObject> {
    const admissionRequest = this.admissionRequest('CREATE', resource, context, object, undefined);
    await this.admission.mutate(admissionRequest);
    const meta = (object.metadata ??= {});
    const generated = (meta.name ?? '') === '' && (meta.generateName ?? '') !== '';
    for (let attempt = 1; ; attempt++) {
      if (generated) meta.name = generateName(meta.generateName ?? '', this.random);
      if (attempt === 1 && !context.options.dryRun) this.reservationsOf(resource)?.begin?.(object);
      if (attempt === 1) await this.prepareNew(resource, object, context, admissionRequest);
      const key = resource.key(meta.namespace ?? '', meta.name ?? '');
      try {
        return await this.write(resource, key, object, context);
      } catch (error) {
        const taken = error instanceof ApiError && error.reason === 'AlreadyExists';
        if (!generated || !taken) throw error;
        if (attempt >= nameAttempts) throw generateNameConflict(resource.groupResource, meta.name ?? '', 1);
      }
    }
  }

  async update(
    resource: ServedResource,
    name: string,
    source: UpdateSource,
    context: WriteContext,
  ): Promise<WriteOutcome> {
    const { strategy } = resource;
    const key = resource.key(context.namespace, name);
    const reservations = this.reservationsOf(resource);
    let result: VersionedObject | undefined;
    let created = false;
    let removes: KubernetesObject | undefined;
    const outcome = await this.storage.update(
      key,
      async (stored) => {
        removes = undefined;
        created = stored === undefined;
        const current = stored === undefined ? undefined : resource.serve(stored);
        const old = current?.object;
        if (old === undefined && strategy.allowCreateOnUpdate !== true && source.createIfMissing !== true) {
          throw notFound(resource.groupResource, name);
        }
        const object = await source.next(old);
        const meta = (object.metadata ??= {});
        const admissionRequest = this.admissionRequest(
          old === undefined ? 'CREATE' : 'UPDATE',
          resource,
          context,
          object,
          old,
        );
        await this.admission.mutate(admissionRequest);
        if (old === undefined) {
          await this.prepareNew(resource, object, context, admissionRequest);
        } else {
          this.checkRevision(resource, name, meta, old);
          this.prepareChanged(resource, object, old, context);
          await this.admission.validate(admissionRequest);
          if (isDeletedByUpdate(strategy, object, old)) {
            removes = object;
            if (context.options.dryRun) return { type: 'keep' };
            return { type: 'delete', part: reservations?.release(old) };
          }
        }
        const part = context.subresource === '' ? reservations?.reserve(object, old) : undefined;
        if (context.options.dryRun) {
          result = versioned(key, object, stored?.revision ?? 0);
          return { type: 'keep' };
        }
        return this.put(resource, object, part);
      },
      context.fence,
    );
    if (removes !== undefined) {
      const revision = outcome.object?.revision ?? 0;
      return { object: versioned(key, removes, revision), created: false };
    }
    const object = result ?? (outcome.object === undefined ? undefined : resource.serve(outcome.object));
    if (object === undefined) throw notFound(resource.groupResource, name);
    return { object, created };
  }

  /**
   * Changes an object outside the pipeline: no defaults, strategy or validation, for subresources with rules of their own.
   * @param change returns the new object, which may share parts with the old one, or undefined to leave it
   */
  async modify(
    resource: ServedResource,
    name: string,
    context: WriteContext,
    change: (old: DeepReadonly<KubernetesObject>) => KubernetesObject | undefined,
  ): Promise<VersionedObject> {
    const key = resource.key(context.namespace, name);
    const outcome = await this.storage.update(
      key,
      (stored) => {
        if (stored === undefined) throw notFound(resource.groupResource, name);
        const object = change(resource.serve(stored).object);
        if (object === undefined || context.options.dryRun) return { type: 'keep' };
        return this.put(resource, object, undefined);
      },
      context.fence,
    );
    if (outcome.object === undefined) throw notFound(resource.groupResource, name);
    return resource.serve(outcome.object);
  }

  async delete(
    resource: ServedResource,
    name: string,
    options: DeleteOptions,
    context: WriteContext,
  ): Promise<DeleteOutcome> {
    const { strategy } = resource;
    const key = resource.key(context.namespace, name);
    let removed = false;
    let again = false;
    let dryRun: VersionedObject | undefined;
    const decide = async (stored: VersionedObject | undefined): Promise<Decision> => {
      removed = again = false;
      if (stored === undefined) throw notFound(resource.groupResource, name);
      const object = resource.serve(stored).object;
      checkPreconditions(resource, object, options);
      await this.admission.validate(this.admissionRequest('DELETE', resource, context, undefined, object));
      const step = planDeletion(strategy, object, options, this.clock.now());
      if (step.type === 'pending') return { type: 'keep' };
      if (step.type === 'remove') {
        removed = true;
        if (context.options.dryRun) return { type: 'keep' };
        return { type: 'delete', part: this.reservationsOf(resource)?.release(object) };
      }
      again = step.type === 'mark-and-remove';
      const marked = { ...(object as KubernetesObject), metadata: step.metadata };
      if (strategy.heldDeletion !== undefined) {
        const own = structuredClone(marked);
        strategy.heldDeletion.begin(own);
        marked.metadata = own.metadata ?? {};
        Object.assign(marked, own);
      }
      if (context.options.dryRun) {
        dryRun = versioned(key, structuredClone(marked), stored.revision);
        removed = again;
        return { type: 'keep' };
      }
      return this.put(resource, marked, undefined);
    };
    const outcome = await this.storage.update(key, decide, context.fence);
    const found = outcome.object;
    if (found === undefined) throw notFound(resource.groupResource, name);
    if (dryRun !== undefined) return { object: dryRun, removed };
    if (again) {
      await this.removeMarked(resource, key, found, context);
      return { object: resource.serve(found), removed: true };
    }
    return { object: resource.serve(found), removed };
  }

  /** Second half of a deletion without grace. Somebody else may have finished it already. */
  private async removeMarked(
    resource: ServedResource,
    key: string,
    marked: VersionedObject,
    context: WriteContext,
  ): Promise<void> {
    const uid = marked.object.metadata?.uid;
    await this.storage.update(
      key,
      (stored) => {
        if (stored === undefined || stored.object.metadata?.uid !== uid) return { type: 'keep' };
        if ((stored.object.metadata?.finalizers ?? []).length > 0) return { type: 'keep' };
        return { type: 'delete', part: this.reservationsOf(resource)?.release(resource.serve(stored).object) };
      },
      context.fence,
    );
  }

  private async write(
    resource: ServedResource,
    key: string,
    object: KubernetesObject,
    context: WriteContext,
  ): Promise<VersionedObject> {
    const name = object.metadata?.name ?? '';
    const reservations = this.reservationsOf(resource);
    let dryRun: VersionedObject | undefined;
    const outcome = await this.storage.update(
      key,
      (stored) => {
        if (stored !== undefined) {
          throw stored.object.metadata?.deletionTimestamp === undefined
            ? alreadyExists(resource.groupResource, name)
            : beingDeleted(resource.groupResource, name);
        }
        const part = reservations?.reserve(object, undefined);
        if (context.options.dryRun) {
          dryRun = versioned(key, object, 0);
          return { type: 'keep' };
        }
        return this.put(resource, object, part);
      },
      context.fence,
    );
    if (dryRun !== undefined) return dryRun;
    if (outcome.object === undefined) throw notFound(resource.groupResource, name);
    return resource.serve(outcome.object);
  }

  private put(resource: ServedResource, object: KubernetesObject, part: TransactionPart | undefined): Decision {
    const { ttlSeconds } = resource.strategy;
    return {
      type: 'put',
      object: resource.store(object),
      ...(part === undefined ? {} : { part }),
      ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    };
  }

  /** `BeforeCreate`. */
  private async prepareNew(
    resource: ServedResource,
    object: KubernetesObject,
    context: WriteContext,
    admissionRequest: AdmissionRequest,
  ): Promise<void> {
    const { strategy, definition } = resource;
    const meta = (object.metadata ??= {});
    matchNamespace(resource, meta, context.namespace);
    const strategic = strategyContext(context, this.clock);
    meta.creationTimestamp = strategic.now;
    meta.uid = randomUUID();
    delete meta.resourceVersion;
    delete meta.deletionTimestamp;
    delete meta.deletionGracePeriodSeconds;
    delete meta.selfLink;
    if (resource.hasSubresource('status') && strategy.keepsStatusOnCreate !== true) dropStatus(resource, object);
    if (tracksGeneration(resource)) meta.generation = 1;
    strategy.prepareForCreate?.(object, strategic);
    const first = strategy.validateFirst?.(object) ?? [];
    if (first.length > 0) throw invalid(resource.groupKind, meta.name ?? '', first);
    const errors = [
      ...validateObjectMeta(meta, definition.namespaced, strategy.nameRule ?? defaultNameRule(resource)),
      ...(strategy.validateCreate?.(object, strategic) ?? []),
    ];
    if (errors.length > 0) throw invalid(resource.groupKind, meta.name ?? '', errors);
    strategy.canonicalize?.(object);
    for (const warning of strategy.warningsOnCreate?.(object) ?? []) context.warn(warning);
    await this.admission.validate(admissionRequest);
  }

  /** `BeforeUpdate`. */
  private prepareChanged(
    resource: ServedResource,
    object: KubernetesObject,
    old: DeepReadonly<KubernetesObject>,
    context: WriteContext,
  ): void {
    const { strategy } = resource;
    const { subresource } = context;
    const strategic = strategyContext(context, this.clock);
    const meta = (object.metadata ??= {});
    const oldMeta = old.metadata as ObjectMeta;
    if (oldMeta.generation === undefined) delete meta.generation;
    else meta.generation = oldMeta.generation;
    delete meta.selfLink;
    const own = subresource === '' ? strategy : strategy.subresources?.[subresource];
    if (subresource === 'status') keepAllButStatus(object, old);
    else if (resource.hasSubresource('status') && (own === strategy || own?.prepareForUpdate === undefined)) {
      keepStatus(object, old);
    }
    own?.prepareForUpdate?.(object, old, strategic);
    if (subresource !== 'status' && isNewGeneration(resource, object, old))
      meta.generation = (oldMeta.generation ?? 0) + 1;
    meta.uid ??= oldMeta.uid;
    if (meta.uid === '') meta.uid = oldMeta.uid;
    if (oldMeta.creationTimestamp !== undefined) meta.creationTimestamp = oldMeta.creationTimestamp;
    if (oldMeta.deletionTimestamp !== undefined) meta.deletionTimestamp = oldMeta.deletionTimestamp;
    if (oldMeta.deletionGracePeriodSeconds !== undefined) {
      meta.deletionGracePeriodSeconds ??= oldMeta.deletionGracePeriodSeconds;
    }
    const first = subresource === '' ? (strategy.validateFirst?.(object) ?? []) : [];
    if (first.length > 0) throw invalid(resource.groupKind, meta.name ?? '', first);
    const metaErrors = validateObjectMetaUpdate(meta, oldMeta);
    const repeated = Array.from({ length: metadataChecks(resource.groupResource) - 1 }, () => metaErrors).flat();
    const errors = [...metaErrors, ...(own?.validateUpdate?.(object, old, strategic) ?? []), ...repeated];
    if (errors.length > 0) throw invalid(resource.groupKind, meta.name ?? '', errors);
    for (const warning of own?.warningsOnUpdate?.(object, old) ?? []) context.warn(warning);
  }

  private checkRevision(
    resource: ServedResource,
    name: string,
    meta: ObjectMeta,
    old: DeepReadonly<KubernetesObject>,
  ): void {
    if (!isRevision(meta.resourceVersion)) {
      if (resource.strategy.allowUnconditionalUpdate === false) {
        throw invalid({ group: resource.definition.group, kind: resource.definition.plural }, name, [
          field.invalid('metadata.resourceVersion', 0, 'must be specified for an update'),
        ]);
      }
    } else if (meta.resourceVersion !== old.metadata?.resourceVersion) {
      throw conflict(resource.groupResource, name);
    }
  }

  admissionRequest(
    operation: Operation,
    resource: ServedResource,
    context: WriteContext,
    object: KubernetesObject | undefined,
    old: DeepReadonly<KubernetesObject> | undefined,
  ): AdmissionRequest {
    const { user, namespace, subresource, options } = context;
    const name = context.name === '' ? (object?.metadata?.name ?? '') : context.name;
    return {
      operation,
      resource,
      subresource,
      namespace,
      name,
      user,
      dryRun: options.dryRun,
      object,
      old,
      warn: (message) => context.warn(message),
    };
  }
}

/** Whether a resourceVersion is given; '0' counts as none. @throws as Go does for what is not a number. */
function isRevision(text: string | undefined): boolean {
  if (text === undefined || text === '') return false;
  if (!/^\d+$/.test(text)) throw unknownError(`strconv.ParseUint: parsing ${goQuote(text)}: invalid syntax`);
  return Number(text) !== 0;
}

/** `EnsureObjectNamespaceMatchesRequestNamespace`. */
function matchNamespace(resource: ServedResource, meta: ObjectMeta, namespace: string): void {
  if (!resource.definition.namespaced) {
    delete meta.namespace;
    return;
  }
  if (meta.namespace === undefined || meta.namespace === '') meta.namespace = namespace;
  else if (meta.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

type WithStatus = KubernetesObject & { status?: unknown };

function dropStatus(resource: ServedResource, object: WithStatus): void {
  if (object.status === undefined) return;
  // Go encodes an empty struct with its zeros, but leaves out a pointer: what the decoder made of it tells which it is.
  const schema = resource.schema.fields.status?.schema;
  object.status = schema?.type === 'struct' ? zeroStruct(schema) : {};
  resource.strategy.setDefaults?.(object);
}

function keepStatus(object: WithStatus, old: DeepReadonly<WithStatus>): void {
  if (old.status === undefined) delete object.status;
  else object.status = old.status;
}

/** Of metadata a status update may change labels, annotations, finalizers and owners, as upstream's kinds mostly allow. */
function keepAllButStatus(object: WithStatus, old: DeepReadonly<WithStatus>): void {
  const { metadata, status, apiVersion, kind } = object;
  for (const key of Object.keys(object)) delete (object as Record<string, unknown>)[key];
  const { metadata: _metadata, status: _status, ...rest } = old as WithStatus;
  Object.assign(object, rest, { kind, apiVersion, metadata }, status === undefined ? {} : { status });
}
