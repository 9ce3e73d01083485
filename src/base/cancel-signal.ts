/**
 * What ends a call before its time: its caller's signal, the call whose handler makes it (`parent`), or either. An `AbortSignal` is
 * one as it is; a parent is followed without making it an `AbortController`, which costs more than the rest of such a call.
 */

/** What is used of an `AbortSignal`. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Calls that end with the call whose handler made them. */
export class CancelController implements CancelSignal {
  aborted = false;
  reason: unknown = undefined;
  private readonly listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) listener();
  }
}

/** The first of two to abort; a listener may hear from both. */
export class EitherSignal implements CancelSignal {
  constructor(
    private readonly one: CancelSignal,
    private readonly other: CancelSignal,
  ) {}

  get aborted(): boolean {
    return this.one.aborted || this.other.aborted;
  }

  get reason(): unknown {
    return this.one.aborted ? this.one.reason : this.other.reason;
  }

  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void {
    this.one.addEventListener(type, listener, options);
    this.other.addEventListener(type, listener, options);
  }

  removeEventListener(type: 'abort', listener: () => void): void {
    this.one.removeEventListener(type, listener);
    this.other.removeEventListener(type, listener);
  }
}
