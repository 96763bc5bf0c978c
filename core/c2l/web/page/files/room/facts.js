// The record of the picture: what draws it again.

import { blend } from "../ask.js";
import { make } from "../dom.js";
import { licences } from "../recipes.js";
import { Tool } from "./tool.js";

const SHOWN = ["prompt", "negative", "seed", "guidance", "steps", "adherence", "truncation", "best_of", "class_label", "drawn_class", "score", "chosen_from", "recipe", "generator", "embedder", "prior", "precision", "device", "version"];

export class Facts extends Tool {
	id = "facts";
	label = "Record";

	constructor(room) {
		super(room);
		this.panel = make("div", { class: "panel" });
	}

	enter() {
		const { record } = this.room.base;
		const rows = SHOWN.filter((name) => record[name] !== undefined && record[name] !== null).map((name) =>
			make("div", {}, make("dt", {}, name.replace("_", " ")), make("dd", { dir: "auto" }, inText(record[name]))),
		);
		const licence = licences(record.recipe ?? "");
		if (licence) rows.push(make("div", {}, make("dt", {}, "licence"), make("dd", {}, licence)));
		this.panel.replaceChildren(
			make("dl", { class: "facts" }, ...rows),
			make("details", {}, make("summary", {}, "As JSON"), make("pre", { tabindex: "0" }, JSON.stringify(record, null, 2))),
		);
	}
}

function inText(value) {
	if (typeof value !== "object") return String(value);
	return value.rawJSON ?? blend(value);
}
