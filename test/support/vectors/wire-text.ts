/** Frames as the hex of the files: in pieces where a body repeats, with checksums filled in. */
import { frameBytes } from './bytes.js';
import { expandHex, type FrameView, type HexView } from './view.js';

/** `checksum: 'right'` becomes the right one. */
export function settled(frames: readonly FrameView[]): FrameView[] {
  return frames.map((view) =>
    view.checksum === 'right' ? { ...view, checksum: frameBytes(view).toString('hex', 12, 16) } : view,
  );
}

/** One hex text, or pieces where a body repeats. */
export function wireOf(start: string, frames: readonly FrameView[]): HexView {
  const pieces: Exclude<HexView, string>[number][] = [start];
  const add = (hex: string): void => {
    const last = pieces.length - 1;
    if (typeof pieces[last] === 'string') pieces[last] += hex;
    else pieces.push(hex);
  };
  for (const view of frames) {
    const frame = frameBytes(view);
    const { body } = view;
    if (body === undefined || typeof body === 'string') {
      add(frame.toString('hex'));
      continue;
    }
    add(frame.toString('hex', 0, frame.length - expandHex(body).length));
    for (const piece of body) {
      if (typeof piece === 'string') add(piece);
      else pieces.push(piece);
    }
  }
  return pieces.length === 1 && typeof pieces[0] === 'string' ? pieces[0] : pieces;
}
