/**
 * What cancels a call: its caller's signal, the call whose handler makes it (`parent`), or either of both. An `AbortSignal` is a
 * `CancelSignal`; a parent has a `CancelController`, since an `AbortController` would cost more than the rest of such a call.
 */

/** The part of an `AbortSignal` that is used. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Cancels calls together with the call whose handler made them. */
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

/** Aborts with the first of two signals; a listener may be called by both. */
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

/** What is used of a signal of another realm or library; whatever else it does is its own affair. */
interface SignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener?(type: 'abort', listener: () => void): void;
}

/**
 * A signal that is no `AbortSignal` of this realm: of a library, a test environment, or another context. One that throws counts as
 * aborted, with what it threw as the reason.
 */
export class ForeignSignal implements CancelSignal {
  private thrown: { readonly error: unknown } | null = null;

  constructor(private readonly signal: SignalLike) {}

  get aborted(): boolean {
    return this.thrown !== null || this.try(() => this.signal.aborted, true);
  }

  get reason(): unknown {
    if (this.thrown !== null) return this.thrown.error;
    return this.try(() => this.signal.reason, undefined);
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.try(() => this.signal.addEventListener('abort', listener), undefined);
    if (this.thrown !== null) listener();
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.try(() => this.signal.removeEventListener?.('abort', listener), undefined);
  }

  private try<T>(ask: () => T, otherwise: T): T {
    try {
      return ask();
    } catch (error) {
      this.thrown ??= { error };
      return otherwise;
    }
  }
}
