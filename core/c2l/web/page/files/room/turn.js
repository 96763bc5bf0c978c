// Sliders made from two descriptions: what the picture shows less of, and what more.

import { post } from "../api.js";
import { button, field, make, settled, words } from "../dom.js";
import { recall, store } from "../memory.js";
import { inWords } from "../say.js";
import { Slider } from "../slider.js";
import { Tool } from "./tool.js";

export class Turn extends Tool {
	id = "turn";
	label = "Turn";
	#rows = [];

	constructor(room) {
		super(room);
		this.list = make("div", { class: "turns" });
		this.keep = words({ id: "turn-keep", placeholder: "glasses, long hair" });
		this.keep.addEventListener("change", () => this.#rows.forEach((row) => row.renew()));
		this.panel = make(
			"div",
			{ class: "panel" },
			make("p", { class: "lead" }, "Describe two ends, and there is a slider between them."),
			this.list,
			button("", "Another slider", () => this.#add().focus()),
			field("Let this stay", this.keep),
		);
	}

	get kept() {
		return this.keep.value.split(",").map((text) => text.trim()).filter(Boolean);
	}

	/** The words of the sliders stay from picture to picture, and from visit to visit; they begin at 0. */
	enter() {
		this.list.replaceChildren();
		this.#rows = [];
		const before = recall("directions")?.[this.room.base.record.recipe] ?? [];
		before.forEach(({ start, end }) => this.#add(start, end));
		if (!before.length) this.#add();
	}

	remove(row) {
		const at = this.#rows.indexOf(row);
		this.#rows.splice(at, 1);
		row.element.remove();
		this.remember();
		this.draw();
		(this.#rows[Math.min(at, this.#rows.length - 1)] ?? this.#add()).focus();
	}

	remember() {
		const said = this.#rows.filter((row) => row.direction).map(({ start, end }) => ({ start: start.value, end: end.value }));
		store("directions", { ...recall("directions"), [this.room.base.record.recipe]: said.slice(0, 8) });
	}

	draw() {
		const moves = this.#rows
			.filter((row) => row.direction && row.slider.value)
			.map((row) => ({ direction: row.direction, strength: row.slider.value }));
		if (!moves.length) {
			this.room.rest();
			return this.room.show();
		}
		this.room.draw("move", { of: [{ record: this.room.base.record }], moves }, (answer, final) => this.room.show(answer.pictures[0], final));
	}

	#add(start = "", end = "") {
		const row = new Row(this, start, end);
		this.#rows.push(row);
		this.list.append(row.element);
		return row;
	}
}

class Row {
	direction = null;
	#asked = "";
	#giveUp = null;

	constructor(turn, start, end) {
		this.turn = turn;
		this.start = words({ "aria-label": "From", placeholder: "a young person", value: start });
		this.end = words({ "aria-label": "To", placeholder: "an elderly person", value: end });
		this.slider = new Slider({ label: "Strength", min: -1.5, max: 1.5, step: 0.05, value: 0, changed: () => turn.draw() });
		this.slider.range.disabled = this.slider.box.disabled = true;
		this.message = make("p", { class: "hint", role: "status" });
		const later = settled(700, () => this.renew());
		for (const box of [this.start, this.end]) {
			box.addEventListener("input", later);
			box.addEventListener("change", () => this.renew());
		}
		this.element = make(
			"fieldset",
			{ class: "turn" },
			make("legend", { class: "hidden" }, "A slider"),
			make("div", { class: "ends" }, this.start, make("span", { "aria-hidden": "true" }, "→"), this.end, button("close", "", () => turn.remove(this), { label: "Remove this slider" })),
			this.slider.element,
			this.message,
		);
		if (start && end) this.renew();
	}

	focus() {
		this.start.focus();
	}

	/** Make the direction of the words that stand there now. */
	async renew() {
		const { room, kept } = this.turn;
		const request = { recipe: room.base.record.recipe, start: this.start.value.trim(), end: this.end.value.trim(), keep: kept };
		if (!request.start || !request.end || this.#asked === JSON.stringify(request)) return;
		this.#asked = JSON.stringify(request);
		this.#giveUp?.abort();
		this.#giveUp = new AbortController();
		this.#say("Looking for the way from one to the other …");
		try {
			const { direction } = await post("direction", request, { signal: this.#giveUp.signal });
			this.direction = direction;
			this.slider.range.disabled = this.slider.box.disabled = false;
			this.slider.range.setAttribute("aria-label", `Strength, from ${request.start} to ${request.end}`);
			this.#say("");
			this.turn.remember();
			this.turn.draw();
		} catch (error) {
			if (error.name === "AbortError") return;
			this.#asked = "";
			this.direction = null;
			this.slider.range.disabled = this.slider.box.disabled = true;
			this.#say(inWords(error.message), true);
		}
	}

	#say(text, isWrong = false) {
		this.message.textContent = text;
		this.message.classList.toggle("wrong", isWrong);
	}
}
