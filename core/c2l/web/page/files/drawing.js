// The wall: what is asked for, drawn by one recipe or by two side by side.

import { partsOf, wish } from "./ask.js";
import { $, make } from "./dom.js";
import { Live } from "./live.js";
import { showError, showNotices } from "./prompt.js";
import { nameOf } from "./recipes.js";
import { inWords, sayIn, speak } from "./say.js";
import { listen, now } from "./state.js";
import { Wall } from "./wall.js";

const WIDE = (count) => Math.ceil(Math.sqrt(count * 1.3)); // columns
const HALF = (count) => Math.ceil(Math.sqrt(count * 0.6));
const SLOW = 250; // ms of drawing before it is said

export const live = new Live();

class Side {
	#slow = 0;

	constructor(live, open) {
		this.live = live;
		this.wall = new Wall("Pictures", open);
		this.title = make("h2", { class: "side-title" });
		this.message = make("p", { class: "empty" });
		this.element = make("section", { class: "side" }, this.title, make("div", { class: "progress", "aria-hidden": "true" }), this.message, this.wall.element);
		this.notices = [];
	}

	/** `done(answer)` is called with what is final. */
	draw(name, asked, done) {
		const ask = wish(asked, partsOf(name));
		this.title.textContent = nameOf(name);
		this.wall.reserve(ask ? asked.num : 0);
		this.say(ask ? "" : "Write what you want to see, or choose an example.");
		if (!ask) {
			this.live.rest();
			return this.#busy(false);
		}
		this.#busy(true);
		this.live.draw({ ...ask, size: this.#size() }, (answer, final, current) => this.#show(answer, final && current, done), (error) => this.#fail(error));
	}

	#show(answer, final, done) {
		this.say("");
		this.wall.show(answer.pictures, final);
		if (!final) return;
		this.#busy(false);
		done(answer);
	}

	#fail(error) {
		this.#busy(false);
		this.wall.stale();
		if (["prompt", "prompts", "negative", "weight", "photo"].includes(error.param)) return showError(error);
		this.say(inWords(error.message), true);
	}

	say(...said) {
		sayIn(this.message, ...said);
	}

	#busy(isBusy) {
		clearTimeout(this.#slow);
		if (isBusy) this.#slow = setTimeout(() => this.element.classList.add("busy"), SLOW);
		else this.element.classList.remove("busy");
	}

	/** Previews need no more pixels than the frames have. */
	#size() {
		const width = this.wall.element.querySelector(".frame")?.clientWidth || 256;
		return Math.ceil((width * devicePixelRatio) / 64) * 64;
	}
}

let sides = [];
let openPicture;
let finished;

/** `open(picture, button)` opens one, `done(pictures, asked)` is told of each whole drawing. */
export function startDrawing(open, done) {
	[openPicture, finished] = [open, done];
	arrange(1);
	listen((asked, names, why) => {
		const aside = ["locked"]; // changes no picture
		if (why !== "restore" && [...names].every((name) => aside.includes(name))) return;
		redraw();
	});
}

/** Draw what is asked for, again if need be. */
export function redraw() {
	const asked = now();
	if (!asked.recipe) return;
	const names = [asked.prior ? `${asked.recipe}|${asked.prior}` : asked.recipe, ...(asked.beside ? [asked.beside] : [])];
	arrange(names.length);
	const answers = [];
	sides.forEach((side, at) => {
		side.draw(names[at], asked, (answer) => {
			answers[at] = answer;
			if (asked === now() && answers.filter(Boolean).length === sides.length) whole(asked, answers);
		});
	});
	if (!wish(asked, {})) showNotices([]);
}

/** There is nothing to draw with. */
export const complain = (error) => sides[0].say(inWords(error.message), true);

export const pictures = () => sides.flatMap((side) => side.wall.pictures);

function whole(asked, answers) {
	showNotices(answers.flatMap((answer) => answer.notices));
	const best = Math.max(...answers.flatMap((answer) => answer.pictures.map((picture) => picture.score ?? -1)));
	const num = answers.reduce((sum, answer) => sum + answer.pictures.length, 0);
	speak(`${num} ${num === 1 ? "picture" : "pictures"} drawn${best > -1 ? `, best score ${best.toFixed(2)}` : ""}.`);
	finished(answers.flatMap((answer) => answer.pictures), asked);
}

function arrange(number) {
	while (sides.length > number) {
		const side = sides.pop();
		side.element.remove();
		side.live.close();
	}
	while (sides.length < number) {
		const side = new Side(sides.length ? new Live() : live, openPicture);
		sides.push(side);
		$("wall").append(side.element);
	}
	$("wall").dataset.sides = number;
	sides.forEach((side) => {
		side.title.hidden = number === 1;
		side.wall.columns = number > 1 ? HALF : WIDE;
	});
}
