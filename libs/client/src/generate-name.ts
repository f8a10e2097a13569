/** Upstream's alphabet for generated names: no vowels, so that no words come about. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const length = 5;
const longest = 63;

/** What `generateName` becomes: the prefix, cut so that the whole fits in 63 characters, and five random ones. */
export function expandGenerateName(prefix: string, random: () => number): string {
  let name = prefix.slice(0, longest - length);
  for (let i = 0; i < length; i++) name += alphabet.charAt(Math.floor(random() * alphabet.length));
  return name;
}
