/** The types of all objects, without anything that exists at run time. */
export type * from '../src/generated/types';
