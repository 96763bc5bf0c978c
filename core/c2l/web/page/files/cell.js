// One picture in its frame: the next one fades in over the last, so nothing flickers or moves.

import { calm, make } from "./dom.js";

const FADE = 130; // ms

export const addressOf = (picture) =>
  picture.url ?? `data:image/${picture.format};base64,${picture.image}`;

export class Frame {
  #latest = 0;

  constructor(attributes = {}) {
    this.element = make("span", { class: "frame", ...attributes });
    this.picture = null;
  }

  get isEmpty() {
    return this.picture === null;
  }

  /** Show a picture once it is decoded, unless a newer one came meanwhile. */
  async show(picture, alt = "") {
    this.picture = picture;
    const turn = ++this.#latest;
    const image = make("img", { alt, src: addressOf(picture), draggable: "false" });
    try {
      await image.decode();
    } catch {
      return; // a broken answer leaves what is there
    }
    if (turn !== this.#latest) return;
    const before = [...this.element.children];
    before.forEach((old) => old.setAttribute("alt", ""));
    this.element.append(image);
    const clear = () => before.forEach((old) => old.remove());
    if (calm() || document.hidden) clear();
    else image.animate([{ opacity: 0 }, { opacity: 1 }], FADE).finished.then(clear, clear);
  }

  /** At once and without a fade: for what is decoded already. */
  place(picture, alt = "") {
    this.#latest++;
    this.picture = picture;
    this.element.replaceChildren(make("img", { alt, src: addressOf(picture), draggable: "false" }));
  }

  clear() {
    this.#latest++;
    this.picture = null;
    this.element.replaceChildren();
  }
}
