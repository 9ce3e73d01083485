/** The fleet by keys: a letter, and for most of them the number of a server. */
import type { ReadStream } from 'node:tty';
import type { Fleet } from './fleet.js';
import type { Mode } from './service.js';
import type { View } from './view.js';

export const help =
  'keys: a add a server; with a number: k kill, d drain, r run again, s slow or not, f failing or not; ' +
  'e etcd off or on, q quit';

export class Keys {
  private letter = '';
  private etcdRuns = true;
  private added = 3;

  constructor(
    private readonly fleet: Fleet,
    private readonly view: View,
  ) {}

  /** Resolves on `q`, or when the input ends. */
  async listen(input: ReadStream | NodeJS.ReadStream): Promise<void> {
    if (input.isTTY) input.setRawMode(true);
    try {
      for await (const chunk of input) for (const key of String(chunk)) if (!this.press(key)) return;
    } finally {
      if (input.isTTY) input.setRawMode(false);
    }
  }

  /** False: quit. */
  private press(key: string): boolean {
    // In raw mode Ctrl-C is a key.
    if (key === '\u0003') process.kill(process.pid, 'SIGINT');
    if (key === 'q') return false;
    if (key === 'a') this.do(`server ${this.added + 1} joins`, this.fleet.start(++this.added));
    else if (key === 'e') this.toggleEtcd();
    else if ('kdrsf'.includes(key)) this.letter = key;
    else if (/[1-9]/.test(key)) this.command(this.letter, Number(key));
    return true;
  }

  private command(letter: string, which: number): void {
    this.letter = '';
    const { fleet, view } = this;
    if (letter === 'r') {
      if (fleet.has(which)) view.line(`server ${which} runs`);
      else this.do(`server ${which} comes back`, fleet.start(which));
      return;
    }
    if (!fleet.has(which)) view.line(`server ${which} does not run`);
    else if (letter === 'k') this.do(`server ${which} is killed`, fleet.kill(which));
    else if (letter === 'd') this.do(`server ${which} drains`, fleet.drain(which));
    else if (letter === 's') this.toggle(which, 'slow');
    else if (letter === 'f') this.toggle(which, 'failing');
    else view.line(help);
  }

  private toggle(which: number, mode: Mode): void {
    const next = this.fleet.get(which).mode === mode ? 'normal' : mode;
    this.fleet.behave(which, next);
    this.view.line(`server ${which} is ${next}`);
  }

  private toggleEtcd(): void {
    const { etcd } = this.fleet;
    if (etcd === null) {
      this.view.line('there is no etcd');
      return;
    }
    this.etcdRuns = !this.etcdRuns;
    if (this.etcdRuns) this.do('etcd starts', etcd.run());
    else this.do('etcd stops', etcd.stop());
  }

  private do(text: string, done: Promise<unknown>): void {
    this.view.line(text);
    done.catch((error: unknown) => this.view.line(String(error)));
  }
}
