// Single keys for what is done often, while no text is being typed. They can be switched off.

import { $, button, make } from "./dom.js";
import { recall, store } from "./memory.js";
import { openPast } from "./past.js";
import { again, lock, more } from "./settings.js";

const inGrid = () => $("app").dataset.view === "grid";

const KEYS = {
	"/": ["Write the prompt", () => inGrid() && $("prompt").focus()],
	n: ["New pictures: another seed", () => inGrid() && again()],
	l: ["Keep the seed, or let it go", () => inGrid() && lock()],
	m: ["More settings", () => inGrid() && more($("more").hidden)],
	h: ["History", () => openPast()],
	"?": ["These keys", () => openHelp()],
};
const FIXED = [
	["Enter", "in the prompt: new pictures"],
	["← → ↑ ↓", "from picture to picture"],
	["Enter", "on a picture: open it"],
	["Esc", "back to all pictures"],
];

export function startKeys(leaveRoom) {
	$("help-open").addEventListener("click", openHelp);
	addEventListener("keydown", (event) => {
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
		if (event.key === "Escape" && !inGrid()) return leaveRoom();
		if (event.target.closest("input:not([type=range], [type=checkbox]), textarea, select") || !areOn()) return;
		const known = KEYS[event.key];
		if (!known) return;
		event.preventDefault();
		known[1]();
	});
}

const areOn = () => recall("keys") !== false;

function openHelp() {
	const dialog = $("help");
	const row = ([key, text]) => make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, text));
	const toggle = make("input", { type: "checkbox", id: "keys-on", checked: areOn() });
	toggle.addEventListener("change", () => store("keys", toggle.checked));
	dialog.replaceChildren(
		make("header", {}, make("h2", { id: "help-title" }, "Keys"), button("close", "", () => dialog.close(), { label: "Close" })),
		make("dl", { class: "keys" }, ...FIXED.map(row), ...Object.entries(KEYS).map(([key, [text]]) => row([key, text]))),
		make("label", { class: "check", for: "keys-on" }, toggle, "single keys"),
	);
	dialog.onclick = (event) => {
		if (event.target === dialog) dialog.close();
	};
	dialog.showModal();
}
