// A list of pictures: one stop for the Tab key, arrows go from picture to picture.

import { make } from "./dom.js";
import { digitsOf } from "./exact.js";
import { Frame } from "./cell.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export class Wall {
	#cells = [];
	columns = (count) => count; // on wide screens

	/** `open(picture)` is called when one is chosen; `label` names the list. */
	constructor(label, open, { captions = true, verb = "" } = {}) {
		this.open = open;
		this.captions = captions;
		this.verb = verb;
		this.element = make("ul", { class: "pictures", role: "list", "aria-label": label });
		this.element.addEventListener("keydown", (event) => this.#key(event));
	}

	get pictures() {
		return this.#cells.map((cell) => cell.frame.picture).filter(Boolean);
	}

	/** As many frames, empty where there is no picture yet, so that nothing moves when they come. */
	reserve(count, shape) {
		if (shape) this.element.style.setProperty("--shape", shape);
		this.element.dataset.count = count;
		const columns = this.columns(count) || 1;
		this.element.style.setProperty("--cols", columns);
		this.element.style.setProperty("--rows", Math.ceil(count / columns) || 1);
		while (this.#cells.length > count) this.#cells.pop().item.remove();
		while (this.#cells.length < count) this.#add();
		if (count && !this.#cells.some((cell) => cell.button.tabIndex === 0)) this.#cells[0].button.tabIndex = 0;
	}

	show(pictures, final = true) {
		const [first] = pictures;
		this.reserve(pictures.length, first && `${first.width} / ${first.height}`);
		pictures.forEach((picture, at) => this.#fill(this.#cells[at], picture, at, pictures.length, final));
		this.element.classList.remove("stale");
	}

	/** What is shown is not what is asked for. */
	stale(isStale = true) {
		this.element.classList.toggle("stale", isStale);
	}

	mark(picture) {
		for (const { button, frame } of this.#cells) {
			if (frame.picture === picture && picture) button.setAttribute("aria-current", "true");
			else button.removeAttribute("aria-current");
		}
	}

	focus(at = 0) {
		this.#cells[at]?.button.focus();
	}

	#add() {
		const frame = new Frame();
		const button = make(
			"button",
			{ type: "button", class: "cell", tabindex: "-1", "aria-disabled": "true", "aria-label": "A picture to come", onclick: () => frame.picture && this.open(frame.picture, button) },
			frame.element,
		);
		const caption = this.captions ? make("p", { class: "caption" }) : null;
		const item = make("li", {}, button, caption);
		this.#cells.push({ frame, button, caption, item });
		this.element.append(item);
	}

	#fill({ frame, button, caption }, picture, at, count, final) {
		const seed = digitsOf(picture.seed);
		const score = typeof picture.score === "number" ? picture.score.toFixed(2) : "";
		const name = [
			this.verb,
			`${picture.name ?? "picture"} ${at + 1} of ${count}`,
			seed && `seed ${seed}`,
			score && `score ${score}`,
		];
		button.setAttribute("aria-label", name.filter(Boolean).join(", "));
		button.removeAttribute("aria-disabled");
		frame.show(picture, "", final);
		caption?.replaceChildren(
			make("span", { title: "Seed" }, seed),
			make("span", { title: "How well it fits the prompt, by the recipe's own eye: a cosine" }, score),
		);
	}

	#key(event) {
		const at = this.#cells.findIndex((cell) => cell.button === document.activeElement);
		if (at < 0) return;
		const columns = getComputedStyle(this.element).gridTemplateColumns.split(" ").length;
		const last = this.#cells.length - 1;
		const steps = { ...STEPS, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: last - at };
		if (!(event.key in steps)) return;
		event.preventDefault();
		const to = Math.min(Math.max(at + steps[event.key], 0), last);
		this.#cells[at].button.tabIndex = -1;
		this.#cells[to].button.tabIndex = 0;
		this.focus(to);
	}
}
