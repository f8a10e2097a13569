import { type AuthenticationTokenRequest as TokenRequest, resources, schemaFor } from '#api';
import { type FieldError, badRequest, conflict, field, formatKind, formatTime, invalid, kindOf } from '#machinery';
import { type BoundClaims } from '#pki';
import { decodeBody } from '../codec/decode-body';
import { type SubresourceDependencies } from '../api/subresource-list';
import { type SubresourceHandler } from '../api/subresources';
import { recordCreation } from '../registry/ownership';
import { parseWriteOptions } from '../request/options';

const defaultSeconds = 3600;
const minimumSeconds = 600;
const maximumSeconds = 2 ** 32;

/** `serviceaccounts/token`: a signed token, bound to the account and maybe to a pod or secret (KEP-1205). */
export function tokenHandler(deps: SubresourceDependencies): SubresourceHandler {
  const { table, reader, writer, handlers, admission, tokenIssuer, audiences, clock } = deps;
  const accounts = table.require(resources.serviceAccounts);
  const bindable = {
    Pod: table.require(resources.pods),
    Secret: table.require(resources.secrets),
    Node: table.require(resources.nodes),
  };
  const expected = {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenRequest',
    schema: schemaFor('authentication.k8s.io', 'v1', 'TokenRequest'),
  };
  return {
    async create(request, info) {
      const options = parseWriteOptions(request.query, 'CreateOptions');
      const { context, warnings } = handlers.context(request, info, options, info.name);
      const body = (await decodeBody(request, expected, options.fieldValidation, (text) =>
        context.warn(text),
      )) as TokenRequest;
      const admitted = writer.admissionRequest('CREATE', accounts, context, body, undefined);
      await admission.mutate(admitted);
      const account = (await reader.get(accounts, info.namespace, info.name, '')).object;
      const { name = '', namespace = '', uid = '' } = account.metadata ?? {};
      checkMetadata(body, name, namespace);
      const spec = (body.spec ??= {} as NonNullable<TokenRequest['spec']>);
      spec.expirationSeconds ??= defaultSeconds;
      await admission.validate(admitted);
      recordCreation(body, expected.schema, context.manager, 'token', clock.now());
      const expirationSeconds = spec.expirationSeconds ?? defaultSeconds;
      checkExpiration(expirationSeconds);
      const asked = spec.audiences ?? [];
      const wanted = asked.length === 0 ? audiences : asked;
      const reference = spec.boundObjectRef ?? undefined;
      let bound: BoundClaims = { namespace, serviceaccount: { name, uid } };
      if (reference !== undefined) {
        const gvk = kindOf(reference);
        const served =
          gvk.group === '' && gvk.version === 'v1' ? bindable[gvk.kind as keyof typeof bindable] : undefined;
        if (served === undefined) throw badRequest(`cannot bind token to object of type ${formatKind(gvk)}`);
        const target = (await reader.get(served, gvk.kind === 'Node' ? '' : namespace, reference.name ?? '', ''))
          .object;
        const identity = { name: target.metadata?.name ?? '', uid: target.metadata?.uid ?? '' };
        if (reference.uid !== undefined && reference.uid !== '' && reference.uid !== identity.uid) {
          throw conflict(
            { group: '', resource: gvk.kind },
            reference.name ?? '',
            `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
          );
        }
        bound = { ...bound, ...boundTo(gvk.kind, identity, target) };
      }
      const issued = await tokenIssuer.issue({ bound, audiences: wanted, expirationSeconds });
      const object = {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: {
          name,
          namespace,
          uid,
          creationTimestamp: formatTime(clock.now()),
          managedFields: body.metadata?.managedFields,
        },
        spec: { audiences: wanted, expirationSeconds, boundObjectRef: reference ?? null },
        status: { token: issued.token, expirationTimestamp: formatTime(issued.expiresAt * 1000) },
      };
      return { type: 'object', status: 201, object, warnings };
    },
  };
}

function boundTo(
  kind: string,
  identity: { name: string; uid: string },
  target: object,
): Partial<Pick<BoundClaims, 'pod' | 'secret' | 'node'>> {
  if (kind === 'Secret') return { secret: identity };
  if (kind === 'Node') return { node: identity };
  const nodeName = (target as { spec?: { nodeName?: string } }).spec?.nodeName ?? '';
  return { pod: identity, ...(nodeName === '' ? {} : { node: { name: nodeName } }) };
}

function checkMetadata(body: TokenRequest, name: string, namespace: string): void {
  const given = body.metadata ?? {};
  const errors: FieldError[] = [];
  if (given.name !== undefined && given.name !== '' && given.name !== name) {
    errors.push(field.invalid('metadata.name', given.name, 'must match the service account name if specified'));
  }
  if (given.namespace !== undefined && given.namespace !== '' && given.namespace !== namespace) {
    errors.push(
      field.invalid('metadata.namespace', given.namespace, 'must match the service account namespace if specified'),
    );
  }
  if (errors.length > 0) throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, errors);
}

function checkExpiration(seconds: number): void {
  const problem =
    seconds < minimumSeconds
      ? 'may not specify a duration less than 10 minutes'
      : seconds > maximumSeconds
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (problem === undefined) return;
  throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
    field.invalid('spec.expirationSeconds', seconds, problem),
  ]);
}
