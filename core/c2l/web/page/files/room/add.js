// One more thing: the smallest change with which the picture shows it.

import { post } from "../api.js";
import { make } from "../dom.js";
import { inWords, speak } from "../say.js";

export class Add {
  id = "add";
  label = "Add";
  #giveUp = null;

  constructor(room) {
    this.room = room;
    this.to = field("add-to", "with sunglasses");
    this.start = field("add-start", "with glasses");
    this.panel = make(
      "form",
      { class: "panel", onsubmit: (event) => this.#draw(event) },
      make("p", { class: "lead" }, "Say one more thing that it is to show. The rest stays as far as it can."),
      make("div", { class: "field" }, make("label", { for: "add-to" }, "Add"), this.to),
      make("div", { class: "field" }, make("label", { for: "add-start" }, "instead of"), this.start),
      make("button", { class: "main" }, make("span", {}, "Add it")),
    );
  }

  enter() {}

  leave() {
    this.#giveUp?.abort();
  }

  chose() {}

  async #draw(event) {
    event.preventDefault();
    const to = this.to.value.trim();
    if (!to) return this.to.focus();
    this.#giveUp?.abort();
    this.#giveUp = new AbortController();
    const { signal } = this.#giveUp;
    const { base } = this.room;
    this.room.busy(true);
    try {
      const request = { recipe: base.record.recipe, of: [{ record: base.record }], to, start: this.start.value.trim() || null };
      const answer = await post("adhere", request, { signal });
      this.room.busy(false);
      this.room.show(answer.pictures[0]);
      this.room.say(answer.notices.filter(({ kind }) => kind !== "device").map(({ text }) => inWords(text)).join(" "));
      speak("Drawn.");
    } catch (error) {
      if (!signal.aborted) this.room.fail(error);
    }
  }
}

const field = (id, placeholder) =>
  make("input", { type: "text", id, dir: "auto", placeholder, autocomplete: "off", spellcheck: "false", maxlength: "1000" });
