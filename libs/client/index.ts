/** A typed client of the API, over the bus or HTTPS. */
export {
  type DeleteOptions,
  type ListOptions,
  type ObjectClient,
  type ObjectList,
  type PatchType,
  type RawCall,
  type WriteOptions,
} from './src/object-client';
