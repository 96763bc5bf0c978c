// What is asked for: one plain object, who listens to it, and how it outlives a reload.

import { recall, store } from "./memory.js";

export const LEFT_OPEN = ["guidance", "adherence", "truncation", "steps", "best_of", "class_label"];

export const start = () => ({
	recipe: "",
	prior: "",
	beside: "", // another recipe, or "recipe|prior", to be drawn on the same prompt and seed
	prompt: "",
	negative: "",
	seed: freshSeed(),
	locked: false,
	num: 6,
	photo: null, // {name, data: "data:image/jpeg;base64,…"}
	weight: 0.6,
	...Object.fromEntries(LEFT_OPEN.map((name) => [name, null])), // null: the recipe decides
});

/** Short enough to be told to somebody. */
export function freshSeed() {
	return crypto.getRandomValues(new Uint32Array(1))[0] % 100_000;
}

let asked = start();
const listeners = new Set();

export const now = () => asked;

/** Called with the state, the names that changed, and why: "typing", "dragging", "act" or "restore". */
export const listen = (call) => listeners.add(call);

export function change(patch, why = "act") {
	const names = Object.keys(patch).filter((name) => asked[name] !== patch[name]);
	if (!names.length && why !== "restore") return;
	asked = { ...asked, ...patch };
	store("asked", asked);
	listeners.forEach((call) => call(asked, new Set(names), why));
}

/** What was asked before the reload; null at the first visit. */
export function remembered() {
	const before = recall("asked");
	return before && { ...start(), ...before };
}
