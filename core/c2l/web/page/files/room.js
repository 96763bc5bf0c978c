// One picture by itself: what can be made of it, and the way back.

import { post } from "./api.js";
import { titleOf } from "./ask.js";
import { $, button, make } from "./dom.js";
import { Frame } from "./cell.js";
import { copyMenu } from "./copyas.js";
import { digitsOf } from "./exact.js";
import { live } from "./drawing.js";
import { keep } from "./history.js";
import { credit, recipe } from "./recipes.js";
import { save } from "./saving.js";
import { inWords, sayIn, speak } from "./say.js";
import { Wall } from "./wall.js";
import { Add } from "./room/add.js";
import { Facts } from "./room/facts.js";
import { Mix } from "./room/mix.js";
import { Turn } from "./room/turn.js";
import { Vary } from "./room/vary.js";
import { Walk } from "./room/walk.js";

class Room {
	#stack = []; // the pictures that this one was made from, step by step
	#tools = [new Vary(this), new Turn(this), new Mix(this), new Walk(this), new Add(this), new Facts(this)];
	#tool = this.#tools[0];
	#cameFrom = null;
	others = []; // pictures of the wall, to mix with and to walk to

	constructor() {
		this.frame = new Frame();
		this.strip = new Wall("What came of it", (picture) => this.#tool.chose(picture), { captions: false });
		this.caption = make("div", { class: "label" });
		this.message = make("p", { class: "empty" });
		this.source = make("figure", { class: "source", hidden: true });
		this.keepButton = button("", "Go on from this one", () => this.goOn(), { class: "main", hidden: true });
		this.before = button("", "Before", null, { "aria-pressed": "false", hidden: true });
		this.before.addEventListener("click", () => this.#showBefore());
		const actions = make(
			"div",
			{ class: "row actions" },
			this.keepButton,
			this.before,
			button("save", "Download", () => save(this.shown)),
			copyMenu(() => ({ record: this.shown.record })),
		);
		$("room-wall").append(
			make("figure", { class: "hero" }, this.frame.element, make("figcaption", {}, this.caption)),
			this.source,
			actions,
			make("div", { class: "progress", "aria-hidden": "true" }),
			this.message,
			this.strip.element,
		);
		this.title = make("h2", { class: "title", dir: "auto", tabindex: "-1" });
		this.undo = button("reset", "One step back", () => this.#back());
		$("room-head").append(
			make("div", { class: "row" }, button("back", "All pictures", () => this.close(), { id: "room-close" }), this.undo),
			this.title,
		);
		this.#buildTabs();
	}

	get base() {
		return this.#stack.at(-1);
	}

	/** What the server can write videos as. */
	offerVideo(formats) {
		this.#tools.find((tool) => tool.id === "walk").formats = formats;
	}

	get isOpen() {
		return this.#stack.length > 0;
	}

	/** Those that are of this one's recipe. */
	get alike() {
		return this.others.filter((other) => other.record.recipe === this.base.record.recipe);
	}

	get recipe() {
		return recipe(this.base.record.recipe ?? "");
	}

	open(picture, { others = [], from = null, source = null } = {}) {
		this.others = others.filter((other) => other !== picture);
		this.#cameFrom = from;
		this.#stack = [picture];
		this.source.hidden = !source;
		this.source.replaceChildren(...(source ? [make("img", { src: source.data, alt: "The photograph" }), make("figcaption", { class: "small" }, "The photograph")] : []));
		if (history.state?.room !== true) history.pushState({ room: true }, "");
		view("room");
		credit([picture.record.recipe ?? ""]);
		this.#enter();
		this.title.focus({ preventScroll: true });
		scrollTo(0, 0);
	}

	/** Leave, by the browser's own way back, which then calls `left`. */
	close() {
		if (history.state?.room) history.back();
		else this.left();
	}

	left() {
		if (!this.isOpen) return;
		this.#tool.leave();
		live.rest();
		view("grid");
		credit();
		this.#stack = [];
		(this.#cameFrom?.isConnected ? this.#cameFrom : $("prompt")).focus();
	}

	/** Show a picture that came of the base; the base itself when it is left out. */
	show(picture = this.base, final = true) {
		this.shown = picture;
		const isNew = picture !== this.base;
		this.keepButton.hidden = this.before.hidden = !isNew;
		if (!isNew) this.before.setAttribute("aria-pressed", "false");
		this.#hang(this.#isBefore ? this.base : picture, final);
	}

	/** Take what is shown as the picture that everything else begins with. */
	goOn(picture = this.shown) {
		this.#stack.push(picture);
		keep({ pictures: [picture], record: picture.record });
		this.#enter();
		speak("This picture is now the one to go on from.");
		this.title.focus({ preventScroll: true });
	}

	/** Draw live: `show(answer, final)` gets what comes. */
	draw(kind, request, show, options) {
		this.busy(true);
		live.draw(
			{ kind, request: { recipe: this.base.record.recipe, ...request }, size: this.size },
			(answer, final, current) => {
				this.say("");
				if (final && current) this.busy(false);
				if (current || !final) show(answer, final && current);
				if (final && current) this.tell(answer.notices);
			},
			(error) => this.fail(error),
			options,
		);
	}

	rest() {
		live.rest();
		this.busy(false);
	}

	busy(isBusy) {
		$("room-wall").classList.toggle("busy", isBusy);
	}

	fail(error) {
		this.busy(false);
		if (error.name !== "AbortError") this.say(inWords(error.message), true);
	}

	say(...said) {
		sayIn(this.message, ...said);
	}

	/** What the server noticed that is of use here. */
	tell(notices) {
		const told = notices.filter((notice) => !["device", "precision", "offer", "time"].includes(notice.kind));
		this.say(told.map((notice) => inWords(notice.text)).join(" "));
	}

	/** Pixels that the frame has. */
	get size() {
		return Math.ceil(((this.frame.element.clientWidth || 512) * devicePixelRatio) / 64) * 64;
	}

	#enter() {
		const { record } = this.base;
		this.title.textContent = titleOf(record);
		this.undo.hidden = this.#stack.length < 2;
		this.say("");
		this.frame.element.style.setProperty("--shape", `${this.base.width} / ${this.base.height}`);
		this.frame.place(this.base, titleOf(record));
		this.show();
		this.#choose(this.#tool, false);
		if (this.base.format !== "png") this.#whole(this.base);
	}

	/** A preview is shown at once, and drawn in full quality then. */
	async #whole(rough) {
		const { pictures } = await post("records/draw", { records: [rough.record] }).catch(() => ({}));
		if (!pictures || this.base !== rough) return;
		const wasShown = this.shown === rough;
		this.#stack[this.#stack.length - 1] = pictures[0];
		if (wasShown) this.show();
	}

	#back() {
		this.#stack.pop();
		this.#enter();
		this.title.focus({ preventScroll: true });
	}

	get #isBefore() {
		return this.before.getAttribute("aria-pressed") === "true";
	}

	#showBefore() {
		this.before.setAttribute("aria-pressed", !this.#isBefore);
		this.#hang(this.#isBefore ? this.base : this.shown);
	}

	#hang(picture, final = true) {
		if (this.frame.picture !== picture || final) this.frame.show(picture, titleOf(picture.record), final);
		const { seed, score } = picture;
		const facts = [digitsOf(seed) && `seed ${digitsOf(seed)}`, typeof score === "number" && `score ${score.toFixed(2)}`, picture.note];
		this.caption.textContent = facts.filter(Boolean).join(" · ");
	}

	#buildTabs() {
		const tabs = this.#tools.map((tool) =>
			make("button", { type: "button", role: "tab", id: `tab-${tool.id}`, "aria-controls": `panel-${tool.id}`, onclick: () => this.#choose(tool) }, tool.label),
		);
		const list = make("div", { class: "tabs", role: "tablist", "aria-label": "What to do with it" }, ...tabs);
		list.addEventListener("keydown", (event) => {
			const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
			if (!step) return;
			event.preventDefault();
			const at = (this.#tools.indexOf(this.#tool) + step + tabs.length) % tabs.length;
			this.#choose(this.#tools[at]);
			tabs[at].focus();
		});
		const panels = this.#tools.map((tool) => {
			tool.panel.id = `panel-${tool.id}`;
			tool.panel.setAttribute("role", "tabpanel");
			tool.panel.setAttribute("aria-labelledby", `tab-${tool.id}`);
			return tool.panel;
		});
		$("room-tools").append(list, ...panels);
	}

	#choose(tool, isNew = true) {
		this.#tool.leave();
		this.rest();
		this.#tool = tool;
		for (const each of this.#tools) {
			const tab = $(`tab-${each.id}`);
			tab.setAttribute("aria-selected", each === tool);
			tab.tabIndex = each === tool ? 0 : -1;
			each.panel.hidden = each !== tool;
		}
		this.strip.reserve(0);
		this.strip.verb = tool.verb ?? "";
		if (isNew) this.say("");
		this.show();
		tool.enter();
	}
}

function view(name) {
	$("app").dataset.view = name;
	const inRoom = name === "room";
	for (const id of ["room-head", "room-wall", "room-tools"]) $(id).hidden = !inRoom;
	for (const id of ["asking", "wall", "settings"]) $(id).hidden = inRoom;
}

export const room = new Room();

addEventListener("popstate", () => room.left());
