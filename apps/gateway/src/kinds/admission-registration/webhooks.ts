import {
  type MutatingWebhook,
  type MutatingWebhookConfiguration,
  type ValidatingWebhook,
  type ValidatingWebhookConfiguration,
  resources,
} from '#api';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { type ResourceStrategy } from '../strategy';
import { setRuleDefaults, setSelectionDefaults } from './rules';
import { validatingWebhookValidation } from './webhook-validation';
import { mutatingWebhookValidation } from './webhook-validation';

const HTTPS_PORT = 443;
const TIMEOUT_SECONDS = 10;

function setWebhookDefaults(webhook: MutatingWebhook | ValidatingWebhook): void {
  webhook.failurePolicy ??= 'Fail';
  setSelectionDefaults(webhook);
  webhook.timeoutSeconds ??= TIMEOUT_SECONDS;
  const { service } = webhook.clientConfig;
  if (service !== undefined) service.port ??= HTTPS_PORT;
  setRuleDefaults(webhook.rules);
}

export const mutatingWebhookConfigurations: ResourceStrategy<MutatingWebhookConfiguration> = {
  resource: resources.mutatingWebhookConfigurations,
  ...mutatingWebhookValidation,
  setDefaults({ webhooks = [] }) {
    for (const webhook of webhooks) {
      setWebhookDefaults(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  generation: 'spec',
  allowUnconditionalUpdate: false,
  table: tableOf(resources.mutatingWebhookConfigurations, [
    nameColumn,
    {
      name: 'Webhooks',
      type: 'integer',
      about: 'Webhooks indicates the number of webhooks registered in this configuration',
      cell: ({ webhooks = [] }) => webhooks.length,
    },
    ageColumn,
  ]),
};

export const validatingWebhookConfigurations: ResourceStrategy<ValidatingWebhookConfiguration> = {
  resource: resources.validatingWebhookConfigurations,
  ...validatingWebhookValidation,
  setDefaults: ({ webhooks = [] }) => webhooks.forEach(setWebhookDefaults),
  generation: 'spec',
  allowUnconditionalUpdate: false,
  table: tableOf(resources.validatingWebhookConfigurations, [
    nameColumn,
    {
      name: 'Webhooks',
      type: 'integer',
      about: 'Webhooks indicates the number of webhooks registered in this configuration',
      cell: ({ webhooks = [] }) => webhooks.length,
    },
    ageColumn,
  ]),
};
