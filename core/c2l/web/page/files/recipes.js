// Which recipe draws, which one beside it, and under what licences.

import { get, post } from "./api.js";
import { $, make } from "./dom.js";
import { change, listen, now } from "./state.js";

const known = new Map();
let whenKnown = () => {};

export const recipe = (name) => known.get(name.split("|")[0]);

/** What its pictures are of; null for no classes, undefined before that is known. */
export const classesOf = (name) => recipe(name)?.facts?.classes;

/** `tell` is called whenever more is known of one. */
export function startRecipes(tell) {
	whenKnown = tell;
	$("recipe").addEventListener("change", () => pick($("recipe").value));
	$("beside").addEventListener("change", () => change({ beside: $("beside").value }));
	listen((asked, names) => {
		if (names.has("recipe") || names.has("beside") || names.has("prior")) show();
	});
}

/** Ask the server what it offers. */
export async function refresh() {
	const answer = await get("recipes");
	known.clear();
	answer.recipes.forEach((each) => known.set(each.name, each));
	const name = known.has(now().recipe) ? now().recipe : answer.default;
	const beside = known.has(now().beside.split("|")[0]) ? now().beside : "";
	change({ recipe: name, beside, prior: name === now().recipe ? now().prior : "" });
	show();
	if (!known.get(name).facts) learn(name);
}

/** Facts are known once a recipe is loaded. */
export async function learn(name) {
	try {
		known.set(name, await post(`recipes/${encodeURIComponent(name)}/load`));
		show();
		whenKnown();
	} catch {
		// The drawing itself will say what is wrong.
	}
}

function pick(value) {
	const [name, prior = ""] = value.split("|");
	change({ recipe: name, prior });
	if (!recipe(name).facts) learn(name);
	else whenKnown();
}

export const nameOf = (name) => name.replace("|", " · ");

/** Recipes, and other priors that fit the parts of each. */
function choices() {
	return [...known.values()].flatMap(({ name, prior, priors = [] }) => [
		name,
		...priors.map(({ reference }) => reference).filter((reference) => reference !== prior).map((reference) => `${name}|${reference}`),
	]);
}

function show() {
	const { recipe: name, prior, beside } = now();
	const own = prior ? `${name}|${prior}` : name;
	const options = (values, chosen) =>
		values.map((value) => make("option", { value, selected: value === chosen }, value ? nameOf(value) : "nothing"));
	$("recipe").replaceChildren(...options(choices(), own));
	$("beside").replaceChildren(...options(["", ...choices().filter((value) => value !== own)], beside));
	$("beside").parentElement.hidden = choices().length < 2;
	credit([name, beside]);
}

/** Whose pictures these are: recipes and their licences. */
export function credit(names = [now().recipe, now().beside]) {
	const said = names.filter(recipe).map((name) => `${nameOf(name)}: ${licences(name) || "licence unknown"}`);
	$("licence").textContent = said.join("; ");
	$("licence").title = said.join("; "); // on a phone it is cut
}

/** "Apache-2.0", or that of each part. */
export function licences(name) {
	const groups = new Map();
	for (const { reference, licence } of recipe(name)?.licences ?? []) groups.set(licence, [...(groups.get(licence) ?? []), reference]);
	const said = [...groups].map(([licence, parts]) => (groups.size > 1 ? `${licence} (${parts.join(", ")})` : licence));
	return said.join(", ");
}
