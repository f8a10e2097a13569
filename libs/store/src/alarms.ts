export type AlarmType = 'nospace' | 'corrupt';

/** Something that is wrong with a member, known to all and until somebody disarms it. */
export interface Alarm {
  readonly memberId: bigint;
  readonly type: AlarmType;
}

/** The alarms that are raised: part of the replicated state. */
export class Alarms {
  private raised: readonly Alarm[] = [];

  /** @param type undefined: all */
  list(type?: AlarmType): readonly Alarm[] {
    return type === undefined ? this.raised : this.raised.filter((alarm) => alarm.type === type);
  }

  isRaised(type: AlarmType): boolean {
    return this.raised.some((alarm) => alarm.type === type);
  }

  raise(alarm: Alarm): void {
    if (!this.raised.some((each) => isSame(each, alarm))) this.raised = [...this.raised, alarm];
  }

  /** @returns whether it was raised */
  disarm(alarm: Alarm): boolean {
    const others = this.raised.filter((each) => !isSame(each, alarm));
    const wasRaised = others.length < this.raised.length;
    this.raised = others;
    return wasRaised;
  }
}

function isSame(a: Alarm, b: Alarm): boolean {
  return a.memberId === b.memberId && a.type === b.type;
}
