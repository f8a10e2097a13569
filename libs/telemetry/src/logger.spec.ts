import { createLogger } from './logger';

function logged(log: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown> {
  const lines: string[] = [];
  log(createLogger('test', { level: 'info', destination: { write: (line: string) => void lines.push(line) } }));
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('the logger', () => {
  it('writes errors that carry frozen and cyclic parts', () => {
    const status: { self?: object } = {};
    status.self = status;
    const error = Object.assign(new Error('no', { cause: new RangeError('why') }), {
      status: Object.freeze(status),
      code: 403,
    });
    const line = logged((logger) => logger.error({ err: Object.freeze(error) }, 'failed'));
    expect(line).toMatchObject({
      msg: 'failed',
      err: { type: 'Error', message: 'no', code: 403, cause: { type: 'RangeError', message: 'why' } },
    });
  });

  it('writes what is no error at all', () => {
    expect(logged((logger) => logger.warn({ err: 'what' }, 'odd'))).toMatchObject({
      err: { type: 'string', message: 'what' },
    });
  });

  it.each(['authorization', 'token', 'password', 'data'])('never writes %s', (field) => {
    expect(
      JSON.stringify(logged((logger) => logger.info({ [field]: 'hush', object: { [field]: 'hush' } }, 'x'))),
    ).not.toContain('hush');
  });
});
