// Neighbours of a picture, near or far; one of them is the next picture.

import { button, make } from "../dom.js";
import { freshSeed } from "../state.js";
import { Slider } from "../slider.js";
import { Tool } from "./tool.js";

const NUM = 8;

export class Vary extends Tool {
	id = "vary";
	label = "Vary";
	verb = "Go on from";
	#seed = null; // those after the picture's own

	constructor(room) {
		super(room);
		this.amount = new Slider({ label: "How far", hint: "0 is the picture itself, 1 a fresh one of the same prompt.", min: 0, max: 1, step: 0.05, value: 0.35, changed: () => this.#draw() });
		this.panel = make(
			"div",
			{ class: "panel" },
			make("p", { class: "lead" }, "Its neighbours. Choose one to go on from it."),
			this.amount.element,
			button("again", "Other neighbours", () => {
				this.#seed = freshSeed();
				this.#draw();
			}),
		);
	}

	enter() {
		this.room.strip.reserve(NUM, `${this.room.base.width} / ${this.room.base.height}`);
		this.#draw();
	}

	chose(picture) {
		this.room.goOn(picture);
	}

	#draw() {
		const request = { of: [{ record: this.room.base.record }], amount: this.amount.value, num: NUM };
		if (this.#seed !== null) request.seed = this.#seed;
		this.room.draw("vary", request, (answer, final) => this.room.strip.show(named(answer.pictures), final));
	}
}

const named = (pictures) => pictures.map((picture) => ({ ...picture, name: "variation" }));
