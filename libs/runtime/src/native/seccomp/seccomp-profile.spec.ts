import { profileOf, seccompProfile } from './seccomp-profile';

test('a profile in the form of OCI is taken, and conditions are refused rather than left out', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['x'], action: 'SCMP_ACT_ERRNO', includes: {} }],
  };
  expect(profileOf(profile)).toEqual(profile);
  const conditional = { ...profile, syscalls: [{ names: ['x'], includes: { caps: ['CAP_SYS_ADMIN'] } }] };
  expect(() => profileOf(conditional)).toThrow('rules with "includes" are not supported');
  expect(() => profileOf({ ...profile, archMap: [] })).toThrow('archMap');
});

test('a profile that is not there is an error', async () => {
  expect(await seccompProfile(undefined, [])).toBeUndefined();
  expect(await seccompProfile('runtime/default', [])).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO' });
  await expect(seccompProfile('/no/such/profile.json', [])).rejects.toMatchObject({ code: 'create-failed' });
});
