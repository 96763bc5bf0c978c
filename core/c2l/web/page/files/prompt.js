// The prompt as the title of the page, what is to be said about it, and prompts to try.

import { $, button, make } from "./dom.js";
import { inWords } from "./say.js";
import { change, freshSeed, listen, now } from "./state.js";

const ABOUT_PROMPT = ["words", "length", "negation", "far"];
const BETTER = /Better: (?:`prompt=(".*?[^\\]")`|[^`]*) `negative=(".*?[^\\]")`/;

const box = $("prompt");
const negative = $("negative");

export function startPrompt() {
	box.addEventListener("input", () => change({ prompt: box.value }, "typing"));
	box.addEventListener("keydown", (event) => {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
		event.preventDefault(); // a prompt is one line: Enter draws other pictures of it
		change(now().locked ? {} : { seed: freshSeed() }, "restore");
	});
	negative.addEventListener("input", () => change({ negative: negative.value }, "typing"));
	addEventListener("resize", grow);
	listen((asked, names, why) => {
		show(asked);
		if (why !== "typing") hang();
	});
	show(now());
}

function show(asked) {
	if (box.value !== asked.prompt) box.value = asked.prompt;
	if (negative.value !== asked.negative) negative.value = asked.negative;
	document.title = asked.prompt ? `${asked.prompt} · c2l` : "c2l";
	grow();
}

/** As high as its text. Browsers with `field-sizing` do it by themselves. */
function grow() {
	if (CSS.supports("field-sizing", "content")) return;
	box.style.height = "auto";
	box.style.height = `${box.scrollHeight}px`;
}

let examples = [];

export function showExamples(prompts) {
	examples = prompts;
	hang();
}

/** All but the one that is drawn. */
function hang() {
	const { prompt: drawn } = now();
	const items = examples.filter((prompt) => prompt !== drawn).map((prompt) =>
		make("li", {}, make("button", { type: "button", class: "example", dir: "auto", onclick: () => take(prompt) }, prompt)),
	);
	$("examples").replaceChildren(...items);
	$("examples").parentElement.hidden = !items.length;
}

function take(prompt) {
	box.focus({ preventScroll: true }); // the example goes away
	change({ prompt, ...(now().locked ? {} : { seed: freshSeed() }) });
}

/** What the server noticed; nothing is repeated while it stays the same, so it is read aloud once. */
export function showNotices(notices) {
	const unique = [...new Map(notices.map((notice) => [notice.text, notice])).values()];
	const wanted = JSON.stringify(unique);
	const list = $("notices");
	if (list.dataset.shown === wanted) return;
	list.dataset.shown = wanted;
	list.replaceChildren(...unique.map(line));
}

export function showError(error) {
	delete $("notices").dataset.shown;
	$("notices").replaceChildren(make("p", { class: "notice wrong" }, inWords(error.message)));
}

function line(notice) {
	const kind = ABOUT_PROMPT.includes(notice.kind) ? notice.kind : "other";
	const better = notice.kind === "negation" && BETTER.exec(notice.text);
	if (!better) return make("p", { class: `notice ${kind}` }, inWords(notice.text));
	const [, wanted, unwanted] = better.map((text) => text && tryParse(text));
	const move = () => change({ prompt: wanted ?? "", negative: unwanted });
	return make(
		"p",
		{ class: "notice negation" },
		"“No” and “without” are hardly read. ",
		button("", `Leave out: ${unwanted}`, move, { class: "link" }),
	);
}

function tryParse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
