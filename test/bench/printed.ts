/** What a report prints, for the tests of reports. */

/** Runs `work` and returns what it printed. */
export function printed(work: () => void): string {
  const { log } = console;
  const lines: string[] = [];
  console.log = (text = '') => void lines.push(String(text));
  try {
    work();
  } finally {
    console.log = log;
  }
  return lines.join('\n');
}
