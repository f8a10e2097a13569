import { type V2HPAScalingRules, type V2HorizontalPodAutoscalerBehavior } from '#api';

/** Go writes the fields of a type that has no JSON names under their Go names, absent ones as null. */
interface GoRules {
  StabilizationWindowSeconds: number | null;
  SelectPolicy: string | null;
  Policies: { Type: string; Value: number; PeriodSeconds: number }[] | null;
  Tolerance: string | null;
}

export function behaviorToText({ scaleUp, scaleDown }: V2HorizontalPodAutoscalerBehavior): string {
  return JSON.stringify({ ScaleUp: toGo(scaleUp), ScaleDown: toGo(scaleDown) });
}

/** @param value what stood in the annotation */
export function behaviorFromText(value: unknown): V2HorizontalPodAutoscalerBehavior | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { ScaleUp, ScaleDown } = value as { ScaleUp?: GoRules | null; ScaleDown?: GoRules | null };
  const behavior: V2HorizontalPodAutoscalerBehavior = {};
  if (ScaleUp) behavior.scaleUp = fromGo(ScaleUp);
  if (ScaleDown) behavior.scaleDown = fromGo(ScaleDown);
  return behavior;
}

function toGo(rules: V2HPAScalingRules | undefined): GoRules | null {
  if (rules === undefined) return null;
  return {
    StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
    SelectPolicy: rules.selectPolicy ?? null,
    Policies:
      rules.policies?.map(({ type, value, periodSeconds }) => ({
        Type: type,
        Value: value,
        PeriodSeconds: periodSeconds,
      })) ?? null,
    Tolerance: rules.tolerance ?? null,
  };
}

function fromGo(go: GoRules): V2HPAScalingRules {
  const rules: V2HPAScalingRules = {};
  if (go.StabilizationWindowSeconds !== null) rules.stabilizationWindowSeconds = go.StabilizationWindowSeconds;
  if (go.SelectPolicy !== null) rules.selectPolicy = go.SelectPolicy;
  if (go.Policies !== null) {
    rules.policies = go.Policies.map(({ Type, Value, PeriodSeconds }) => ({
      type: Type,
      value: Value,
      periodSeconds: PeriodSeconds,
    }));
  }
  if (typeof go.Tolerance === 'string') rules.tolerance = go.Tolerance;
  return rules;
}
