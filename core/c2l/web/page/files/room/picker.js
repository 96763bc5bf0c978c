// One of the other pictures of the wall.

import { make } from "../dom.js";
import { Wall } from "../wall.js";

export class Picker {
	chosen = null;

	constructor(label, changed) {
		this.wall = new Wall(label, (picture) => {
			this.choose(picture);
			changed(picture);
		}, { captions: false, verb: "Take" });
		this.wall.columns = (count) => Math.max(count, 6);
		this.element = make("div", { class: "picker" }, make("h3", { class: "small" }, label), this.wall.element);
	}

	offer(pictures) {
		this.element.hidden = !pictures.length;
		this.wall.show(pictures);
		this.choose(null);
	}

	choose(picture) {
		this.chosen = picture;
		this.wall.mark(picture);
	}
}
