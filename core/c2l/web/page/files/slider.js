// A number to drag or to type; left open, it is the recipe's.

import { button, make } from "./dom.js";

let number = 0;

export class Slider {
	/**
	 * `changed(value, why)` gets the number, or null when it is left open again. With `open` it may be
	 * left open, and `fallback` is what the recipe takes then.
	 */
	constructor({ label, hint, min, max, step, value = null, fallback = null, open = false, changed }) {
		const id = `slider-${++number}`;
		Object.assign(this, { min, max, changed, open, fallback, value });
		this.range = make("input", { type: "range", id, min, max, step });
		this.box = make("input", { type: "text", inputmode: "decimal", class: "number", "aria-label": `${label}, as a number`, autocomplete: "off" });
		this.reset = button("reset", "", () => this.#take(null, "act"), { label: `${label}: leave it to the recipe`, title: "Leave it to the recipe" });
		this.note = make("p", { class: "hint", id: `${id}-note` }, hint ?? "");
		if (hint) this.range.setAttribute("aria-describedby", this.note.id);
		this.element = make(
			"div",
			{ class: "slider" },
			make("label", { for: id }, label),
			open ? this.reset : null,
			this.box,
			this.range,
			hint ? this.note : null,
		);
		this.range.addEventListener("input", () => this.#take(Number(this.range.value), "dragging"));
		this.box.addEventListener("change", () => this.#typed());
		this.box.addEventListener("keydown", (event) => event.key === "Enter" && this.#typed());
		this.set(value);
	}

	/** Show a value without telling anybody. */
	set(value, fallback = this.fallback) {
		this.value = value;
		this.fallback = fallback;
		const shown = value ?? fallback;
		const at = shown ?? (this.min + this.max) / 2; // nobody knows where
		this.range.value = at;
		this.range.style.setProperty("--at", (at - this.min) / (this.max - this.min));
		this.box.value = shown === null ? "" : String(Math.round(shown * 100) / 100);
		this.box.placeholder = "auto";
		this.element.classList.toggle("untouched", this.open && value === null);
		this.reset.hidden = value === null;
	}

	#typed() {
		const text = this.box.value.trim().replace(",", ".");
		if (!text) return this.open ? this.#take(null, "act") : this.set(this.value);
		const value = Number(text);
		if (Number.isFinite(value)) this.#take(Math.min(Math.max(value, this.min), this.max), "act");
		else this.set(this.value);
	}

	#take(value, why) {
		if (value === this.value) return this.set(value);
		const hadFocus = document.activeElement === this.reset;
		this.set(value);
		if (hadFocus) this.range.focus();
		this.changed(value, why);
	}
}
