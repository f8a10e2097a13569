import { isDns1123Label, maskTrailingDash } from '#machinery';
import { type NameRule } from '../strategy';

/** `NameIsDNSLabel`: of what becomes a host name, or a part of one. */
export const nameIsDnsLabel: NameRule = (name, prefix) => isDns1123Label(prefix ? maskTrailingDash(name) : name);
