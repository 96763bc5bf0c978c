// Some layers of the picture taken from another: shapes of the one, colours of the other.

import { button, make } from "../dom.js";
import { Slider } from "../slider.js";
import { Picker } from "./picker.js";
import { Tool } from "./tool.js";

export class Mix extends Tool {
	id = "mix";
	label = "Mix";
	#boxes = [];

	constructor(room) {
		super(room);
		this.picker = new Picker("The other picture", () => this.#draw());
		this.none = make("p", { class: "lead" });
		this.layers = make("div", { class: "layers", role: "group", "aria-label": "Layers of the other picture, from coarse to fine" });
		this.share = new Slider({ label: "Share", hint: "How much of these layers.", min: 0, max: 1, step: 0.05, value: 1, changed: () => this.#draw() });
		this.controls = make(
			"div",
			{},
			this.picker.element,
			make("h3", { class: "small" }, "Layers it gives"),
			this.layers,
			make("p", { class: "scale", "aria-hidden": "true" }, make("span", {}, "coarse"), make("span", {}, "fine")),
			make(
				"div",
				{ class: "row" },
				button("", "Coarse half", () => this.#take((layer, num) => layer < num / 2)),
				button("", "Fine half", () => this.#take((layer, num) => layer >= num / 2)),
			),
			this.share.element,
		);
		this.panel = make("div", { class: "panel" }, this.none, this.controls);
	}

	enter() {
		const num = this.room.recipe?.facts?.layers ?? 0;
		const others = this.room.alike;
		this.controls.hidden = !num || !others.length;
		this.none.textContent = !num
			? "The latents of this recipe are one code: there are no layers to mix."
			: others.length ? "This picture, with layers of another." : "There is no other picture of this recipe on the wall to mix it with.";
		this.#offer(num);
		this.picker.offer(others);
		if (this.controls.hidden) return;
		this.picker.choose(others[0]);
		this.#draw();
	}

	#offer(num) {
		if (this.#boxes.length === num) return;
		this.#boxes = Array.from({ length: num }, (_, layer) =>
			make("input", { type: "checkbox", "aria-label": `Layer ${layer}`, title: `Layer ${layer}`, checked: layer < num / 2, onchange: () => this.#draw() }),
		);
		this.layers.replaceChildren(...this.#boxes);
	}

	#take(rule) {
		this.#boxes.forEach((box, layer) => (box.checked = rule(layer, this.#boxes.length)));
		this.#draw();
	}

	#draw() {
		const layers = this.#boxes.flatMap((box, layer) => (box.checked ? [layer] : []));
		const other = this.picker.chosen;
		if (!other || !layers.length) {
			this.room.rest();
			return this.room.show();
		}
		const request = { base: { record: this.room.base.record }, other: { record: other.record }, layers: layers.join(","), share: this.share.value };
		this.room.draw("mix", request, (answer, final) => this.room.show(answer.pictures[0], final));
	}
}
