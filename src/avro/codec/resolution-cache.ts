/**
 * What codecs have found out about the schemas of peers, shared by all codecs of the process. Finding out takes milliseconds for a
 * small schema and tens of them for the largest. Keeping it takes memory in proportion to the schema's text. A peer may send any
 * schemas it likes, so both the number of entries and the size of their texts are bounded; the least recently used entry is dropped
 * first. A connection keeps the resolutions that it uses, so it does not depend on this cache.
 */
import type { Resolution } from '../../wire/message-codec.js';

interface Entry {
  readonly resolution: Resolution;
  readonly characters: number;
}

export class ResolutionCache {
  private readonly entries = new Map<string, Entry>();
  private readonly entriesMax: number;
  private readonly charactersMax: number;
  private characters = 0;

  /** `charactersMax` bounds the texts of all schemas together. */
  constructor(entriesMax: number, charactersMax: number) {
    this.entriesMax = entriesMax;
    this.charactersMax = charactersMax;
  }

  get(key: string): Resolution | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.resolution;
  }

  /** Keeps what was found out about a schema whose text has so many characters. The key is not known yet. */
  set(key: string, resolution: Resolution, characters: number): void {
    this.entries.set(key, { resolution, characters });
    this.characters += characters;
    for (const [oldest, entry] of this.entries) {
      if (this.entries.size <= this.entriesMax && this.characters <= this.charactersMax) break;
      this.entries.delete(oldest);
      this.characters -= entry.characters;
    }
  }
}
