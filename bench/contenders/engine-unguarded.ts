/** The engine with a decoder that trusts what it reads: the other side of the comparison that shows what the guards cost. */
import { unguardedCodec } from '../unguarded/unguarded-codec.js';
import { Echo, engineWith } from './engine.js';

const codec = unguardedCodec();
const { echo } = Echo.methods;

export const engineUnguarded = engineWith({
  ...Echo,
  methods: { echo: { ...echo, request: codec, response: codec } },
} as typeof Echo);
