import { type LabelSelector, type MatchResources } from '#api';

interface Rule {
  scope?: string;
}

/** What webhooks and policies have in common. */
interface Selecting {
  matchPolicy?: string;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
}

export function setRuleDefaults(rules: readonly Rule[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*';
}

export function setSelectionDefaults(selection: Selecting): void {
  selection.matchPolicy ??= 'Equivalent';
  selection.namespaceSelector ??= {};
  selection.objectSelector ??= {};
}

export function setMatchDefaults(match: MatchResources | undefined): void {
  if (match === undefined) return;
  setSelectionDefaults(match);
  setRuleDefaults(match.resourceRules);
  setRuleDefaults(match.excludeResourceRules);
}
