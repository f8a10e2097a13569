import { type ServiceAccount, resources } from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';

export const serviceAccounts: ResourceStrategy<ServiceAccount> = {
  resource: resources.serviceAccounts,
  prepareForCreate: keepNamesOnly,
  prepareForUpdate: keepNamesOnly,
  returnsDeletedObject: true,
  table: tableOf(resources.serviceAccounts, [nameColumn, ageColumn]),
};

/** Secrets are in the account's namespace, so that nothing but their names means anything. */
function keepNamesOnly(account: ServiceAccount): void {
  if (account.secrets !== undefined) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}
