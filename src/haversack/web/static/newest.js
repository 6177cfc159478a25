// @ts-check
// The same question asked again and again: an answer that a later question overtook is not taken.

/** @template T */
export class Newest {
  #asked = 0;
  #taken = 0;

  /** @param {(answer: T) => void} take called with each answer that no later question was answered before */
  constructor(take) {
    this.take = take;
  }

  /** @param {() => Promise<T>} call */
  async ask(call) {
    const turn = ++this.#asked;
    const answer = await call();
    // A later question that failed overtakes nothing.
    if (turn < this.#taken) return;
    this.#taken = turn;
    this.take(answer);
  }
}
