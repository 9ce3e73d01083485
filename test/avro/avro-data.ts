/** Where Apache's test files are: next to the sources, not among the compiled tests. */
import { fileURLToPath } from 'node:url';

export function avroData(name: string): string {
  return fileURLToPath(new URL(`../../../test/data/avro/${name}`, import.meta.url));
}
