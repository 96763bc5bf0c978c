// From what is asked on the page to a request of the API, and from a record back to the page.

import { classesOf } from "./recipes.js";
import { LEFT_OPEN, start } from "./state.js";

/** "recipe" or "recipe|prior". */
export function partsOf(name) {
	const [recipe, prior] = name.split("|");
	return prior ? { recipe, prior } : { recipe };
}

export function how(asked, recipe = asked.recipe) {
	const given = {};
	for (const name of LEFT_OPEN) if (asked[name] !== null) given[name] = asked[name];
	if (classesOf(recipe) === null) delete given.class_label;
	if (asked.negative.trim()) given.negative = asked.negative.trim();
	return given;
}

/** What to draw, as {kind, request}; null if there is nothing to draw. */
export function wish(asked, parts) {
	const prompt = asked.prompt.trim();
	const common = { ...parts, num_images: asked.num, seed: asked.seed, ...how(asked, parts.recipe) };
	if (asked.photo) {
		const words = prompt ? { prompt, weight: asked.weight } : {};
		return { kind: "like", request: { ...common, photo: asked.photo.data, ...words } };
	}
	return prompt ? { kind: "sample", request: { ...common, prompt } } : null;
}

export const blend = (texts) =>
	typeof texts === "string" ? texts : Object.entries(texts ?? {}).map(([text, weight]) => (weight === 1 ? text : `${text}:${weight}`)).join(", ");

/** What a record of a plain sample asks for; null for a picture that was edited. */
export function askedBy(record) {
	if (record.latents) return null;
	const asked = { ...start(), recipe: record.recipe ?? "", seed: record.seed, locked: true, num: 1 };
	for (const name of LEFT_OPEN) asked[name] = record[name] ?? null;
	asked.best_of = null; // the seed is the winner's
	asked.prompt = blend(record.prompt);
	asked.negative = blend(record.negative);
	return asked;
}

const ORIGINS = { photo: "After a photograph", given: "Found for a photograph", random: "The generator's own" };

/** The prompt that a picture began with, or else where it comes from. */
export function titleOf(record) {
	if (record.prompt) return blend(record.prompt);
	let operation = record.latents;
	while (operation?.base ?? operation?.start) operation = operation.base ?? operation.start;
	return blend(operation?.prompt) || ORIGINS[operation?.op] || "A picture";
}
