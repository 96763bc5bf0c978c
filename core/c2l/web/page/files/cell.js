// One picture in its frame: the next one fades in over the last, so nothing flickers or moves.

import { calm, make } from "./dom.js";

const FADE = 130; // ms
const idle = window.requestIdleCallback ?? setTimeout;

export const addressOf = (picture) =>
	picture.url ?? `data:image/${picture.format};base64,${picture.image}`;

export class Frame {
	#latest = 0;

	constructor(attributes = {}) {
		this.element = make("span", { class: "frame", ...attributes });
		this.picture = null;
	}

	/** Show a picture once it is decoded, unless a newer one came meanwhile. */
	async show(picture, alt = "", final = true) {
		this.picture = picture;
		const turn = ++this.#latest;
		const image = make("img", { alt, src: addressOf(picture), draggable: "false" });
		try {
			await image.decode();
		} catch {
			return; // a broken answer leaves what is there
		}
		if (turn !== this.#latest) return;
		const before = [...this.element.children];
		before.forEach((old) => old.setAttribute("alt", ""));
		this.element.append(image);
		const clear = () => {
			before.forEach((old) => old.remove());
			if (final) idle(() => turn === this.#latest && this.#smooth(image)); // typing goes first
		};
		if (calm() || document.hidden) clear();
		else image.animate([{ opacity: 0 }, { opacity: 1 }], FADE).finished.then(clear, clear);
	}

	/** Browsers enlarge by straight lines from pixel to pixel; on a canvas they do it by curves. */
	#smooth(image) {
		const wanted = (image.clientWidth * devicePixelRatio) / image.naturalWidth;
		const scale = Math.min(Math.ceil(wanted), 4);
		if (wanted < 1.2) return;
		const canvas = make("canvas", { width: image.naturalWidth * scale, height: image.naturalHeight * scale, "aria-hidden": "true" });
		const pen = canvas.getContext("2d");
		pen.imageSmoothingQuality = "high";
		pen.drawImage(image, 0, 0, canvas.width, canvas.height);
		this.element.append(canvas);
	}

	/** At once and without a fade: for what is decoded already. */
	place(picture, alt = "") {
		this.#latest++;
		this.picture = picture;
		this.element.replaceChildren(make("img", { alt, src: addressOf(picture), draggable: "false" }));
	}
}
