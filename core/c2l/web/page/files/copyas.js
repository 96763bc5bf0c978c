// What is on the page, as a command, as Python, and as a request for curl.

import { address, token } from "./api.js";
import { blend, how } from "./ask.js";
import { button, icon, make } from "./dom.js";
import { digitsOf } from "./exact.js";
import { toast } from "./say.js";
import { now } from "./state.js";

const shell = (text) => `'${String(text).replace(/'/g, "'\\''")}'`;

/** Quotes of JSON are quotes of Python; what is large stays a number. */
const python = (value) =>
	JSON.stringify(value).replace(/"(?:[^"\\]|\\.)*"|\btrue\b|\bfalse\b|\bnull\b/g, (part) => ({ true: "True", false: "False", null: "None" })[part] ?? part);

const FACTS = ["schema", "device", "score", "chosen_from", "drawn_class", "fingerprints", "version", "plugin_files", "precision", "generator", "embedder"];

/** The request of a record: without what was found when it was drawn. */
function requestOf(record) {
	return Object.fromEntries(Object.entries(record).filter(([name, value]) => !FACTS.includes(name) && value !== null));
}

/** What the wall shows, as a request. */
export function requestOfWall() {
	const { recipe, prior, prompt, seed, num } = now();
	return { prompt: prompt.trim(), recipe, ...(prior ? { prior } : {}), num_images: num, seed, ...how(now()) };
}

function commandLine(request) {
	if (request.latents) return `cat > picture.json <<'END'\n${JSON.stringify(request)}\nEND\nc2l sample --from picture.json`;
	const { prompt, seed, num_images: num = 1, ...rest } = request;
	const [first, ...others] = typeof prompt === "string" ? [[prompt, 1]] : Object.entries(prompt);
	const words = ["c2l sample", shell(first[0]), ...others.map(([text, weight]) => `--also ${shell(`${text}:${weight}`)}`)];
	const from = BigInt(digitsOf(seed));
	words.push(`--seeds ${num > 1 ? `${from}-${from + BigInt(num) - 1n}` : from}`);
	for (const [name, value] of Object.entries(rest)) {
		const text = typeof value === "object" ? blend(value) : value;
		words.push(`--${name === "class_label" ? "class" : name.replace("_", "-")} ${typeof text === "string" ? shell(text) : text}`);
	}
	return words.join(" ");
}

function inPython(request) {
	if (request.latents) return `from c2l.service import Request, Session\n\n(picture,) = Session().draw(Request(**${python(request)}))\npicture.save("picture.png")`;
	const { recipe, prior, prompt, ...rest } = request;
	const parts = [JSON.stringify(recipe), ...(prior ? [`prior=${JSON.stringify(prior)}`] : [])];
	const words = [python(prompt), ...Object.entries(rest).map(([name, value]) => `${name}=${python(value)}`)];
	return `import c2l\n\npipeline = c2l.load_pipeline(${parts.join(", ")})\nresult = pipeline(\n    ${words.join(",\n    ")},\n)\nresult.save("pictures/")`;
}

function withCurl(request) {
	const bearer = token.get() ? ` -H "Authorization: Bearer $C2L_TOKEN"` : "";
	return `curl -s ${address("sample")}${bearer} -H 'Content-Type: application/json' -d ${shell(JSON.stringify(request))}`;
}

const WAYS = [
	["Command line", commandLine],
	["Python", inPython],
	["curl", withCurl],
];

/** A menu of the three. `asked()` gives a record or a request, when one is chosen. */
export function copyMenu(asked) {
	const ways = WAYS.map(([name, write]) =>
		button("", name, async () => {
			const { record, request } = asked();
			await copy(write(request ?? requestOf(record)), name);
			close();
		}),
	);
	const summary = make("summary", { class: "quiet" }, icon("copy"), make("span", {}, "Copy as"));
	const menu = make("details", { class: "menu" }, summary, make("div", { class: "sheet" }, ...ways));
	const close = () => {
		menu.open = false;
		summary.focus();
	};
	menu.addEventListener("keydown", (event) => {
		if (event.key !== "Escape" || !menu.open) return;
		event.stopPropagation();
		close();
	});
	menu.addEventListener("focusout", (event) => {
		if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
	});
	return menu;
}

async function copy(text, name) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		copyThroughSelection(text); // no clipboard without https
	}
	toast(`Copied: ${name}`);
}

function copyThroughSelection(text) {
	const box = make("textarea", { class: "hidden" });
	box.value = text;
	document.body.append(box);
	box.select();
	document.execCommand("copy");
	box.remove();
}
