/**
 * Which functions allocate: V8's sampling heap profiler over a while, with what was collected meanwhile. A function that the optimizing
 * compiler has put into its caller allocates in the caller's name, which is how the bytes are really spent; `--no-turbo-inlining`
 * names each by itself, at the price of allocations that inlining would have saved.
 */
import { Session } from 'node:inspector/promises';

export interface Site {
  /** `name file:line` of the function; `(name)` alone for what V8 does outside of functions. */
  readonly place: string;
  readonly bytes: number;
}

/** A node of the profile, as the inspector gives it. */
export interface ProfileNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

const SAMPLE_BYTES = 8 * 1024;

export class AllocationSites {
  private readonly session = new Session();

  async begin(): Promise<void> {
    this.session.connect();
    await this.session.post('HeapProfiler.enable');
    await this.session.post('HeapProfiler.startSampling', {
      samplingInterval: SAMPLE_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
  }

  async end(): Promise<Site[]> {
    const { profile } = await this.session.post('HeapProfiler.stopSampling');
    this.session.disconnect();
    return sitesOf(profile.head);
  }
}

/** The functions of a profile with what each allocated itself, most first. */
export function sitesOf(head: ProfileNode): Site[] {
  const bytes = new Map<string, number>();
  const visit = ({ callFrame, selfSize, children }: ProfileNode): void => {
    if (selfSize > 0) {
      const place = placeOf(callFrame);
      bytes.set(place, (bytes.get(place) ?? 0) + selfSize);
    }
    for (const child of children) visit(child);
  };
  visit(head);
  return Array.from(bytes, ([place, sum]) => ({ place, bytes: sum })).toSorted((a, b) => b.bytes - a.bytes);
}

/** The inspector counts lines from 0. Of a path, what follows the folder of compiled files or of packages is enough to find it. */
function placeOf({ functionName, url, lineNumber }: ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.replace(/^.*\/(?:\.build|node_modules)\//, '');
  return `${name} ${file}:${lineNumber + 1}`;
}
