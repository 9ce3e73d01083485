/** Puts the steps of a session together: views in, views and bytes out. */
import { PREFACE_HEX } from './bytes.js';
import { plainHello } from './record-cases.js';
import type {
  ActionView,
  CallView,
  FrameView,
  HexView,
  ResultView,
  SessionFile,
  SessionSideView,
  SideView,
  StepView,
} from './view.js';
import { settled, wireOf } from './wire-text.js';

type Head = Omit<SessionFile, 'description' | 'steps' | 'tests'> & { readonly tests?: readonly SideView[] };
type StepExtras = Pick<StepView, 'note' | 'orCodes' | 'preface'> & { readonly do?: readonly ActionView[] };

export const instances: Readonly<Record<SideView, string>> = {
  dialler: 'd0d1d2d3d4d5d6d7d8d9dadbdcdddedf',
  acceptor: 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf',
};

export function helloOf(side: SideView, settings: SessionSideView = {}): FrameView {
  const { limits, capabilities = [], compression = [] } = settings;
  return {
    type: 'HELLO',
    record: {
      ...plainHello,
      capabilities,
      compression,
      limits: { ...plainHello.limits, ...limits },
      instance: instances[side],
    },
  };
}

export const dialled = (slot: number, generation = 1): CallView => ({ opener: 'dialler', generation, slot });
export const accepted = (slot: number, generation = 1): CallView => ({ opener: 'acceptor', generation, slot });

export class Session {
  private readonly steps: StepView[] = [];
  private readonly description: string;
  private readonly head: Head;

  constructor(description: string, head: Head = {}) {
    this.description = description;
    this.head = head;
  }

  /** Frames of one side; the bytes follow from them. */
  from(side: SideView, frames: readonly FrameView[], extras: StepExtras = {}): this {
    const { note, do: actions, preface, ...others } = extras;
    this.steps.push({
      ...(note === undefined ? {} : { note }),
      from: side,
      ...(actions === undefined ? {} : { do: actions }),
      ...(preface === true ? { preface } : {}),
      wire: wireOf(preface === true ? PREFACE_HEX : '', frames),
      frames: settled(frames),
      ...others,
    });
    return this;
  }

  /** Bytes of one side that are no frames. */
  bytes(side: SideView, wire: HexView, note: string): this {
    this.steps.push({ note, from: side, wire, frames: [] });
    return this;
  }

  /** Preface and HELLO of both sides, first the dialler's. */
  greet(): this {
    this.greetOf('dialler');
    return this.greetOf('acceptor');
  }

  /** Preface and HELLO of one side, and what it sends with them. */
  greetOf(side: SideView, frames: readonly FrameView[] = [], extras: StepExtras = {}): this {
    return this.from(side, [helloOf(side, this.head[side]), ...frames], { ...extras, preface: true });
  }

  result(side: SideView, result: ResultView): this {
    this.steps.push({ at: side, result });
    return this;
  }

  handled(side: SideView, method: string, request: HexView): this {
    this.steps.push({ at: side, handled: { method, request } });
    return this;
  }

  ends(side: SideView): this {
    this.steps.push({ ends: side });
    return this;
  }

  /** The dialler ends in good order. */
  closeOf(side: SideView): this {
    const extras = { do: [{ close: true }], orCodes: ['SHUTDOWN'] };
    return this.from(side, [{ type: 'CLOSE', record: { code: 0, text: '' } }], extras).ends(side);
  }

  /** The side refuses the connection. */
  refusal(side: SideView, code: number, text: string, orCodes?: readonly string[]): this {
    const extras = orCodes === undefined ? {} : { orCodes };
    return this.from(side, [{ type: 'CLOSE', record: { code, text } }], extras).ends(side);
  }

  build(): SessionFile {
    const { tests = ['dialler', 'acceptor'], ...head } = this.head;
    return { description: this.description, ...head, tests, steps: this.steps };
  }
}
