import { FakeClock } from '#testing';
import { digestOf, indexOf, newSecret, Tokens } from './tokens';

const bearer = { user: 'ann', since: 3 };

it('stands for its bearer while it is used, and not five minutes after', async () => {
  const clock = new FakeClock();
  const tokens = new Tokens(() => clock.monotonic());
  const secret = newSecret();
  expect(secret).toMatch(/^[A-Za-z]{32}$/);
  tokens.admit({ ...bearer, digest: digestOf(secret) }, 17);
  const token = `${secret}.17`;
  await clock.advance(299_000);
  expect(tokens.use(token)).toEqual(bearer);
  await clock.advance(299_000);
  expect(tokens.use(token)).toEqual(bearer);
  await clock.advance(300_000);
  expect(tokens.use(token)).toBeUndefined();
});

it('knows no other', () => {
  const tokens = new Tokens(() => 0);
  const secret = newSecret();
  tokens.admit({ ...bearer, digest: digestOf(secret) }, 1);
  for (const other of [newSecret(), secret, `${secret}.10`, `${newSecret()}.1`, `${secret}.1.1`, '', '.1']) {
    expect(tokens.use(other)).toBeUndefined();
  }
  tokens.clear();
  expect(tokens.use(`${secret}.1`)).toBeUndefined();
});

it('says when it was given', () => {
  expect(indexOf('abc.17')).toBe(17);
  expect(['abc', 'abc.', 'abc.-1', '1.1', 'abc.1.1', `a.${'9'.repeat(30)}`].map(indexOf)).toEqual(
    Array<undefined>(6).fill(undefined),
  );
});
