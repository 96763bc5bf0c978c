// One more thing: the smallest change with which the picture shows it.

import { post } from "../api.js";
import { field, make, words } from "../dom.js";
import { speak } from "../say.js";
import { Tool } from "./tool.js";

export class Add extends Tool {
	id = "add";
	label = "Add";
	#giveUp = null;

	constructor(room) {
		super(room);
		this.to = words({ id: "add-to", placeholder: "with sunglasses" });
		this.start = words({ id: "add-start", placeholder: "with glasses" });
		this.panel = make(
			"form",
			{ class: "panel", onsubmit: (event) => this.#draw(event) },
			make("p", { class: "lead" }, "Say one more thing that it is to show. The rest stays as far as it can."),
			field("Add", this.to),
			field("instead of", this.start),
			make("button", { class: "main" }, make("span", {}, "Add it")),
		);
	}

	leave() {
		this.#giveUp?.abort();
	}

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
			this.room.tell(answer.notices);
			speak("Drawn.");
		} catch (error) {
			if (!signal.aborted) this.room.fail(error);
		}
	}
}
