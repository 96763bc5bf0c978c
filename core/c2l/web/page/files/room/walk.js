// From the picture to another one, in steps that look equal: a film strip, and a video.

import { post } from "../api.js";
import { button, calm, field, icon, make, settled, words } from "../dom.js";
import { digitsOf } from "../exact.js";
import { carryOut, fileOf } from "../jobs.js";
import { saveBlob } from "../saving.js";
import { speak } from "../say.js";
import { Slider } from "../slider.js";
import { Picker } from "./picker.js";
import { Tool } from "./tool.js";

const FPS = 24;
const FORMATS = { webp: "WebP", gif: "GIF", mp4: "MP4", webm: "WebM" };

export class Walk extends Tool {
	id = "walk";
	label = "Walk";
	verb = "Show";
	formats = ["webp", "gif"];
	#frames = [];
	#step = 0; // the one that is shown
	#giveUp = null;
	#video = null;
	#playing = 0;

	constructor(room) {
		super(room);
		this.to = words({ id: "walk-to", placeholder: "an old man by the sea" });
		const later = settled(300, () => this.#draw());
		this.to.addEventListener("input", () => {
			this.picker.choose(null);
			later();
		});
		this.picker = new Picker("or to another picture", () => {
			this.to.value = "";
			this.#draw();
		});
		this.count = new Slider({ label: "Pictures on the way", min: 3, max: 24, step: 1, value: 9, changed: settled(150, () => this.#draw()) });
		this.at = new Slider({ label: "Where", min: 0, max: 1, step: 0.001, value: 0, changed: (value) => this.#place(value) });
		this.at.box.hidden = true;
		this.play = button("play", "Play", () => (this.#playing ? this.#stop() : this.#start()));
		this.way = make("div", { class: "way", hidden: true }, this.at.element, this.play, this.#videoForm());
		this.panel = make(
			"div",
			{ class: "panel" },
			make("p", { class: "lead" }, "Walk from this picture to another one."),
			field("Walk to", this.to),
			this.picker.element,
			this.count.element,
			this.way,
		);
	}

	enter() {
		this.picker.offer(this.room.alike);
		this.way.hidden = true;
		this.#frames = [];
		this.formatBox.replaceChildren(...this.formats.map((format) => make("option", { value: format }, FORMATS[format] ?? format)));
		this.#draw();
	}

	leave() {
		this.#stop();
		this.#giveUp?.abort();
	}

	chose(picture) {
		this.#stop();
		this.#go(this.#frames.indexOf(picture));
	}

	get #target() {
		const text = this.to.value.trim();
		if (this.picker.chosen) return { record: this.picker.chosen.record };
		return text ? { prompt: text, seed: this.room.base.seed ?? 0 } : null;
	}

	async #draw() {
		this.#stop();
		this.#giveUp?.abort();
		const target = this.#target;
		if (!target) return this.room.strip.reserve(0);
		this.#giveUp = new AbortController();
		const { signal } = this.#giveUp;
		const { base, strip } = this.room;
		strip.reserve(this.count.value, `${base.width} / ${base.height}`);
		this.room.busy(true);
		const request = { recipe: base.record.recipe, ends: [{ record: base.record }, target], frames: this.count.value, format: "webp", max_size: this.room.size };
		try {
			// Even steps on the way are there at once; steps that look even take a while.
			this.#hang(await post("walk", { ...request, spacing: "path" }, { signal }));
			const answer = await post("walk", request, { signal });
			this.#hang(answer);
			this.room.busy(false);
			this.room.tell(answer.notices);
			speak(`${this.#frames.length} pictures on the way.`);
		} catch (error) {
			if (!signal.aborted) this.room.fail(error);
		}
	}

	#hang({ pictures }) {
		const before = this.#frames.length;
		this.#frames = pictures.map((picture) => ({ ...picture, name: "step" }));
		this.room.strip.show(this.#frames);
		this.way.hidden = false;
		this.#go(before === pictures.length ? this.#step : 0);
	}

	#place(value) {
		this.#stop();
		this.#go(Math.round(value * (this.#frames.length - 1)), value);
	}

	#go(index, value = index / Math.max(1, this.#frames.length - 1)) {
		const picture = this.#frames[index];
		if (!picture) return;
		this.#step = index;
		this.at.set(value);
		this.at.range.setAttribute("aria-valuetext", `${index + 1} of ${this.#frames.length}`);
		this.room.strip.mark(picture);
		this.room.show(index ? picture : this.room.base);
	}

	/** There and back, until it is stopped. */
	#start() {
		let step = 0;
		const last = this.#frames.length - 1;
		this.#playing = setInterval(() => {
			step = (step + 1) % (2 * last);
			this.#go(step <= last ? step : 2 * last - step);
		}, calm() ? 700 : 140);
		this.play.replaceChildren(icon("pause"), make("span", {}, "Stop"));
	}

	#stop() {
		clearInterval(this.#playing);
		this.#playing = 0;
		this.play.replaceChildren(icon("play"), make("span", {}, "Play"));
	}

	#videoForm() {
		this.formatBox = make("select", { "aria-label": "Format of the video" });
		this.seconds = new Slider({ label: "Seconds", min: 1, max: 20, step: 1, value: 3, changed: () => {} });
		this.back = make("input", { type: "checkbox", id: "walk-back", checked: true });
		this.bar = make("progress", { max: "1", value: "0", "aria-label": "Video", hidden: true });
		this.make = button("save", "Save a video", () => (this.#video ? this.#video.abort() : this.#save()));
		return make(
			"div",
			{ class: "video" },
			this.seconds.element,
			make("label", { class: "check", for: "walk-back" }, this.back, "and back, to repeat smoothly"),
			make("div", { class: "row" }, this.formatBox, this.make),
			this.bar,
		);
	}

	async #save() {
		const { base } = this.room;
		const target = this.#target;
		if (!target) return;
		this.#video = new AbortController();
		this.make.lastChild.textContent = "Give up";
		const request = {
			recipe: base.record.recipe,
			ends: [{ record: base.record }, target],
			frames: this.seconds.value * FPS,
			fps: FPS,
			format: this.formatBox.value,
			easing: "smooth",
			ping_pong: this.back.checked,
		};
		try {
			const job = await carryOut("video", request, this.bar, this.#video.signal);
			saveBlob(await fileOf(job), `walk-${digitsOf(base.seed) || "picture"}.${request.format}`);
		} catch (error) {
			this.room.fail(error);
		} finally {
			this.#video = null;
			this.make.lastChild.textContent = "Save a video";
		}
	}
}
