import * as errors from './errors';
import { field } from './field-errors';
import { FieldPath } from './field-path';
import { type ApiError } from './status';

const pods = { group: '', resource: 'pods' };
const deployments = { group: 'apps', resource: 'deployments' };

describe('errors', () => {
  it.each<[ApiError, number, string, string, object | undefined]>([
    [errors.notFound(pods, 'x'), 404, 'NotFound', 'pods "x" not found', { name: 'x', kind: 'pods' }],
    [
      errors.alreadyExists(deployments, 'a'),
      409,
      'AlreadyExists',
      'deployments.apps "a" already exists',
      { name: 'a', group: 'apps', kind: 'deployments' },
    ],
    [
      errors.conflict(pods, 'x'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on pods "x": the object has been modified; please apply your changes to the latest version and try again',
      { name: 'x', kind: 'pods' },
    ],
    [errors.forbidden(pods, 'x', 'no'), 403, 'Forbidden', 'pods "x" is forbidden: no', { name: 'x', kind: 'pods' }],
    [errors.forbidden(pods, '', 'no'), 403, 'Forbidden', 'pods is forbidden: no', { kind: 'pods' }],
    [
      errors.internalError('boom'),
      500,
      'InternalError',
      'Internal error occurred: boom',
      { causes: [{ message: 'boom' }] },
    ],
    [errors.unknownError('boom'), 500, '', 'boom', undefined],
    [
      errors.genericServerResponse(422),
      422,
      'Invalid',
      'the server rejected our request due to an error in our request',
      {},
    ],
    [errors.tooManyRequests('slow', 3), 429, 'TooManyRequests', 'slow', { retryAfterSeconds: 3 }],
  ])('%s', (error, code, reason, message, details) => {
    expect([error.code, error.reason, error.message, error.status.details]).toEqual([code, reason, message, details]);
  });

  it('lists what is invalid, once in the text and fully in the causes', () => {
    const path = FieldPath.of('spec', 'containers').index(0);
    const kind = { group: '', kind: 'Pod' };
    const repeated = field.required(path.child('name'));
    const error = errors.invalid(kind, 'p', [
      repeated,
      repeated,
      field.invalid(path.key('cpu'), -1, 'must be positive'),
    ]);
    expect(error.message).toBe(
      'Pod "p" is invalid: [spec.containers[0].name: Required value, spec.containers[0][cpu]: Invalid value: -1: must be positive]',
    );
    expect(error.status.details?.causes).toHaveLength(3);
    expect(errors.invalid(kind, 'p', [repeated]).message).toBe(
      'Pod "p" is invalid: spec.containers[0].name: Required value',
    );
  });
});

describe('field errors', () => {
  it.each([
    [field.invalid('a', 'x"\n', 'bad'), 'Invalid value: "x\\"\\n": bad'],
    [field.invalid('a', 'a\x01b', 'bad'), 'Invalid value: "a\\x01b": bad'],
    [field.invalid('a', null, 'bad'), 'Invalid value: null: bad'],
    [field.invalid('a', { matchLabels: { a: 'b' } }, 'bad'), 'Invalid value: {"matchLabels":{"a":"b"}}: bad'],
    [field.notSupported('a', 'x', ['A', 'B']), 'Unsupported value: "x": supported values: "A", "B"'],
    [field.duplicate('a', 'x'), 'Duplicate value: "x"'],
    [field.tooLong('a', 128), 'Too long: may not be more than 128 bytes'],
    [field.tooMany('a', 3, 2), 'Too many: 3: must have at most 2 items'],
    [field.forbidden('a', 'no'), 'Forbidden: no'],
  ])('%#', (error, message) => expect(error.message).toBe(message));

  it('prints paths from the root', () => {
    expect(String(FieldPath.root.child('metadata').child('labels').key('a/b'))).toBe('metadata.labels[a/b]');
  });
});
