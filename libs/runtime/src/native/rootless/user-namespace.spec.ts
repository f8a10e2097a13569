import { userNamespaceObstacles } from './user-namespace';

const machine = (settings: Readonly<Record<string, string>>) => (setting: string) => Promise.resolve(settings[setting]);

test('a kernel that forbids nothing, or does not know the settings, has no obstacles', async () => {
  expect(await userNamespaceObstacles(machine({}))).toEqual([]);
  const open = { 'user.max_user_namespaces': '96365\n', 'kernel.unprivileged_userns_clone': '1\n' };
  expect(await userNamespaceObstacles(machine(open))).toEqual([]);
});

test.each([
  ['user.max_user_namespaces', '0', 'sysctl user.max_user_namespaces=15000'],
  ['kernel.unprivileged_userns_clone', '0', 'sysctl kernel.unprivileged_userns_clone=1'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1', 'sysctl kernel.apparmor_restrict_unprivileged_userns=0'],
])('%s=%s is told with its remedy', async (setting, value, remedy) => {
  const [found = '', ...more] = await userNamespaceObstacles(machine({ [setting]: `${value}\n` }));
  expect(more).toEqual([]);
  expect(found).toContain(`${setting} is ${value}`);
  expect(found).toContain(remedy);
});
