/** The tables of `bench -- rivals`: one per case, the fastest first. The engine's losses are printed like its wins. */
import { fixed, table, whole } from '../report/table.js';
import type { RivalFigures } from './figures.js';
import type { Rival } from './rival.js';
import type { RivalCase } from './run.js';

/** The entry that ratios refer to. */
export const YARDSTICK = 'grpc-js';

const units = { unary: 'calls', blob: 'echoes', stream: 'items' } as const;

/** The engine's entry that a workload's rivals are held against. */
export function engineOf({ workload }: RivalCase, rivals: readonly Rival[]): string {
  const candidates = { unary: ['engine'], blob: ['engine-blob', 'engine-bytes'], stream: ['engine'] }[workload];
  return candidates.find((name) => rivals.some((rival) => rival.name === name)) ?? 'engine';
}

export const isEngine = (name: string): boolean => name === 'engine' || name.startsWith('engine-');

export function caseTitle({ workload, inFlight }: RivalCase): string {
  if (workload === 'unary') return `unary calls of the canonical record, ${inFlight} in flight`;
  if (workload === 'blob') return `echo of 64 KiB, ${inFlight} in flight`;
  return 'one server stream of canonical records';
}

export function caseTable(figures: RivalFigures, rivals: readonly Rival[], one: RivalCase): string {
  const engine = engineOf(one, rivals);
  const unit = units[one.workload];
  const head = ['program', 'language', `${unit}/s`, 'client us', 'server us', 'CPU us', `x ${YARDSTICK}`];
  const rows: { readonly perSecond: number; readonly cells: readonly string[] }[] = [];
  const failures: string[] = [];
  for (const { name, title, language, floor } of rivals) {
    const problem = figures.problem(name, one);
    if (problem !== null) failures.push(`FAILED: ${title}: ${problem}`);
    const own = figures.medians(name, one);
    if (own === null) continue;
    const { perSecond, clientUs, serverUs, sumUs } = own;
    const shown = [whole(perSecond), fixed(clientUs, 2), fixed(serverUs, 2), fixed(sumUs, 2)];
    const times = orDash(figures.ratio(name, YARDSTICK, one, 'perSecond'), 2);
    const against = isEngine(name) ? ['', '', ''] : contest(figures, engine, name, one);
    rows.push({ perSecond, cells: [floor ? `${title} (floor)` : title, language, ...shown, times, ...against] });
  }
  rows.sort((a, b) => b.perSecond - a.perSecond);
  const shown = table([[...head, `engine: ${unit}/s x`, 'CPU x', 'engine'], ...rows.map(({ cells }) => cells)], 2);
  return [caseTitle(one), ...failures, '', shown].join('\n');
}

/** The engine's ratios to a rival, and who won. */
function contest(figures: RivalFigures, engine: string, rival: string, one: RivalCase): string[] {
  const speed = figures.ratio(engine, rival, one, 'perSecond');
  const cpu = figures.ratio(engine, rival, one, 'sumUs');
  if (speed === null || cpu === null) return ['', '', ''];
  const result = cpu <= 1 ? (speed >= 1 ? 'won' : `lost ${units[one.workload]}/s`) : speed >= 1 ? 'lost CPU' : 'lost';
  return [fixed(speed, 3), fixed(cpu, 3), result];
}

function orDash(value: number | null, digits: number): string {
  return value === null ? '-' : fixed(value, digits);
}
