/**
 * The 32 bits that name a call on one connection: bit 31 says which side opened it (0 dialling, 1 accepting), bits 16 to 30
 * are the generation, bits 0 to 15 the slot. A slot's first call has generation 1, each later one the next, and after
 * 32,767 comes 1 again; generation 0 does not occur, so that call 0 can mean the connection itself.
 */

export const SLOTS_MAX = 0x1_0000;
export const GENERATION_MAX = 0x7fff;
/** Bit 31 as it stands in a call number opened by the accepting side. */
export const ACCEPTING_SIDE = 0x8000_0000;

/** 0: the dialling side opened the call. */
export type OpenerBit = 0 | typeof ACCEPTING_SIDE;

export function callNumber(openerBit: OpenerBit, generation: number, slot: number): number {
  return (openerBit | (generation << 16) | slot) >>> 0;
}

export function slotOf(call: number): number {
  return call & 0xffff;
}

export function generationOf(call: number): number {
  return (call >>> 16) & GENERATION_MAX;
}

export function openerOf(call: number): OpenerBit {
  return call >>> 31 === 0 ? 0 : ACCEPTING_SIDE;
}

/** The number of the slot's next call. */
export function nextCall(call: number): number {
  const isLast = generationOf(call) === GENERATION_MAX;
  return ((isLast ? call & 0x8000_ffff : call) + 0x1_0000) >>> 0;
}

export function nextGeneration(generation: number): number {
  return generation === GENERATION_MAX ? 1 : generation + 1;
}
