import { FakeClock } from '#testing';
import { Tokens } from './tokens';

const bearer = { user: 'ann', since: 3 };

it('stands for its bearer while it is used, and not five minutes after', async () => {
  const clock = new FakeClock();
  const tokens = new Tokens(clock);
  const token = tokens.issue(bearer, 17);
  expect(token).toMatch(/^[A-Za-z]{32}\.17$/);
  await clock.advance(299_000);
  expect(tokens.use(token)).toEqual(bearer);
  await clock.advance(299_000);
  expect(tokens.use(token)).toEqual(bearer);
  await clock.advance(300_000);
  expect(tokens.use(token)).toBeUndefined();
});

it('knows no other', () => {
  const tokens = new Tokens(new FakeClock());
  const [one, two] = [tokens.issue(bearer, 1), tokens.issue(bearer, 1)];
  expect(one).not.toBe(two);
  expect(tokens.use(`${one}0`)).toBeUndefined();
});
