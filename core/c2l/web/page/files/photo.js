// A photograph as a prompt, or to be found among what the generator can draw. A picture of c2l brings
// its record along and is drawn again instead.

import { post } from "./api.js";
import { $, button, make } from "./dom.js";
import { thumbnail } from "./history.js";
import { carryOut } from "./jobs.js";
import { inWords, toast } from "./say.js";
import { Slider } from "./slider.js";
import { change, listen, now } from "./state.js";

const SIDE = 512; // px: more than any embedder looks at, and small enough to be sent as one types
const STEPS = 150;

let original = null; // the file as it was given, for finding it in full
let found = () => {};

/** `restore(record, picture)` brings a record back, `open(picture, photo)` shows what was found. */
export function startPhoto(restore, open) {
	found = open;
	const take = (file) => accept(file, restore);
	$("photo-open").addEventListener("click", () => $("photo-file").click());
	$("photo-file").addEventListener("change", (event) => {
		const [file] = event.target.files;
		event.target.value = "";
		if (file) take(file);
	});
	addEventListener("paste", (event) => {
		const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
		if (file) take(file);
	});
	startDropping(take);
	listen((asked, names) => names.has("photo") && show());
	show();
}

function startDropping(take) {
	const isFile = (event) => event.dataTransfer?.types.includes("Files");
	let depth = 0;
	const over = (by) => {
		depth = Math.max(0, depth + by);
		$("drop").hidden = !depth;
	};
	addEventListener("dragenter", (event) => isFile(event) && over(1));
	addEventListener("dragleave", (event) => isFile(event) && over(-1));
	addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
	addEventListener("drop", (event) => {
		if (!isFile(event)) return;
		event.preventDefault();
		depth = 0;
		over(0);
		const [file] = event.dataTransfer.files;
		if (file) take(file);
	});
}

async function accept(file, restore) {
	if (await hasRecord(file)) {
		try {
			return restore((await post("records/read", { png: await asText(file) })).record);
		} catch (error) {
			return toast(inWords(error.message));
		}
	}
	const url = URL.createObjectURL(file);
	try {
		const data = await thumbnail({ url }, SIDE);
		original = file;
		change({ photo: { name: file.name, data } });
	} catch {
		toast(`${file.name || "This file"} is not a picture that this browser can show.`);
	} finally {
		URL.revokeObjectURL(url);
	}
}

/** A chunk of text that c2l wrote; what it says is for the server to judge. */
async function hasRecord(file) {
	if (file.type !== "image/png") return false;
	return new TextDecoder("latin1").decode(await file.arrayBuffer()).includes("iTXtc2l\0");
}

function show() {
	const { photo, weight } = now();
	$("photo").hidden = !photo;
	$("photo").replaceChildren();
	if (!photo) return void (original = null);
	const slider = new Slider({ label: "Photograph or words", hint: "0 is the prompt alone, 1 the photograph alone.", min: 0, max: 1, step: 0.05, value: weight, changed: (value, why) => change({ weight: value }, why) });
	$("photo").append(
		make("img", { src: photo.data, alt: `The photograph ${photo.name}` }),
		make(
			"div",
			{},
			slider.element,
			make(
				"div",
				{ class: "row" },
				finding(photo),
				button("close", "Take it away", () => {
					change({ photo: null });
					$("photo-open").focus();
				}),
			),
		),
	);
}

/** A button that looks for the photograph's nearest picture, says how far it is, and gives up. */
function finding(photo) {
	let running = null;
	const bar = make("progress", { max: "1", "aria-label": "Looking for the nearest picture", hidden: true });
	const start = button("", "Find it", () => (running ? running.abort() : find()), { title: "The picture nearest to it, for every other change to begin with" });
	async function find() {
		running = new AbortController();
		start.lastChild.textContent = "Give up";
		try {
			const data = original ? await asText(original) : photo.data;
			const request = { recipe: now().recipe, photo: data, steps: STEPS, seed: 0 };
			const job = await carryOut("invert", request, bar, running.signal);
			found(job.result.pictures[0], photo, start);
		} catch (error) {
			if (error.name !== "AbortError") toast(inWords(error.message));
		} finally {
			running = null;
			start.lastChild.textContent = "Find it";
		}
	}
	return make("span", { class: "finding" }, start, bar);
}

function asText(file) {
	return new Promise((resolve, reject) => {
		const reader = new FileReader();
		reader.onload = () => resolve(reader.result);
		reader.onerror = () => reject(reader.error);
		reader.readAsDataURL(file);
	});
}
