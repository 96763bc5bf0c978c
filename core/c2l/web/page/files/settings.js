// Seed, lock and dice, and the finer settings behind "more".

import { $, icon, make } from "./dom.js";
import { digitsOf, seedOf } from "./exact.js";
import { recall, store } from "./memory.js";
import { Slider } from "./slider.js";
import { change, freshSeed, listen, now } from "./state.js";

// What each recipe can be told. Ends of the scales are those that are of use; the boxes take no more.
const SETTINGS = [
	{ name: "guidance", label: "Guidance", hint: "How strongly the prompt pulls.", min: 1, max: 8, step: 0.1 },
	{ name: "adherence", label: "Adherence", hint: "How literally the prompt is taken: less leaves more variety.", min: 0, max: 1, step: 0.05 },
	{ name: "truncation", label: "Truncation", hint: "Less is nearer to the average picture, 1 is as drawn.", min: -1, max: 1.5, step: 0.05, fallback: 1 },
	{ name: "steps", label: "Steps", hint: "More are finer and slower.", min: 1, max: 64, step: 1 },
	{ name: "best_of", label: "Best of", hint: "The best of so many candidates is kept.", min: 1, max: 32, step: 1, fallback: 1 },
];
const ALWAYS = ["truncation", "best_of"]; // no prior has a say in these

const sliders = new Map();
let count;

export function startSettings() {
	for (const { name, ...scale } of SETTINGS) {
		const slider = new Slider({ ...scale, open: true, changed: (value, why) => change({ [name]: value }, why) });
		sliders.set(name, slider);
		$("sliders").append(slider.element);
	}
	count = new Slider({ label: "Pictures", min: 1, max: 16, step: 1, value: now().num, changed: (num, why) => change({ num: Math.round(num) }, why) });
	$("sliders").append(count.element);
	$("seed").addEventListener("input", typeSeed);
	$("seed").addEventListener("blur", () => ($("seed").value = digitsOf(now().seed)));
	$("class").addEventListener("change", ({ target: { value } }) => change({ class_label: value ? Number(value) : null }));
	$("again").addEventListener("click", again);
	$("lock").addEventListener("click", lock);
	$("more-open").addEventListener("click", () => more($("more").hidden));
	more(recall("more") === true);
	listen(show);
	show(now());
}

export const again = () => change({ seed: freshSeed() });
export const lock = () => change({ locked: !now().locked });

export function more(isOpen) {
	$("more").hidden = !isOpen;
	$("more-open").setAttribute("aria-expanded", isOpen);
	store("more", isOpen);
}

function typeSeed() {
	const seed = seedOf($("seed").value);
	$("seed").setAttribute("aria-invalid", seed === null);
	if (seed !== null) change({ seed }, "typing");
}

/** What the loaded recipe takes where nothing is said, and what its prior does not heed. */
export function showDefaults(facts, settings = {}) {
	for (const { name, fallback = null } of SETTINGS) {
		const slider = sliders.get(name);
		slider.set(now()[name], facts?.defaults?.[name] ?? settings[name] ?? fallback);
		const heeded = !facts?.options || ALWAYS.includes(name) || facts.options.includes(name);
		slider.element.hidden = !heeded && now()[name] === null;
	}
	const classes = facts?.classes ?? [];
	$("class").parentElement.hidden = !classes.length;
	$("class").replaceChildren(...["the prompt chooses", ...classes].map((name, at) => make("option", { value: at ? at - 1 : "" }, name)));
	show(now());
}

function show(asked) {
	if (document.activeElement !== $("seed")) $("seed").value = digitsOf(asked.seed);
	if ($("seed").getAttribute("aria-invalid")) $("seed").setAttribute("aria-invalid", false);
	$("class").value = asked.class_label ?? "";
	$("lock").setAttribute("aria-pressed", asked.locked);
	$("lock").title = asked.locked ? "The seed stays" : "Enter and examples take a new seed";
	$("lock").replaceChildren(icon(asked.locked ? "lock" : "open"));
	for (const [name, slider] of sliders) if (slider.value !== asked[name]) slider.set(asked[name]);
	if (count.value !== asked.num) count.set(asked.num);
}
