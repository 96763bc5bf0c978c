// Which recipe draws, which one beside it, and under what licences.

import { get, post } from "./api.js";
import { $, make } from "./dom.js";
import { change, listen, now } from "./state.js";

const known = new Map();
let whenKnown = () => {};

export const recipe = (name) => known.get(name.split("|")[0]);

/** Ask the server what it offers. `tell` is called now and whenever more is known of one. */
export async function startRecipes(tell) {
  whenKnown = tell;
  $("recipe").addEventListener("change", () => pick($("recipe").value));
  $("beside").addEventListener("change", () => change({ beside: $("beside").value }));
  listen((asked, names) => {
    if (names.has("recipe") || names.has("beside") || names.has("prior")) show();
  });
  await refresh();
}

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
  $("licence").replaceChildren(...licences(name), ...(beside ? [" · ", ...licences(beside)] : []));
}

/** "Apache-2.0", or each part with its own; what may not be sold is said in words. */
export function licences(name) {
  const parts = recipe(name)?.licence ?? [];
  if (!parts.length) return [];
  const groups = Map.groupBy
    ? Map.groupBy(parts, (part) => part.licence)
    : parts.reduce((map, part) => map.set(part.licence, [...(map.get(part.licence) ?? []), part]), new Map());
  const said = [...groups].map(([licence, of]) => {
    const link = of.find((part) => part.url)?.url;
    const text = groups.size > 1 ? `${of.map((part) => part.part).join(" and ")}: ${licence}` : licence;
    return link && /^https?:/.test(link) ? make("a", { href: link, rel: "noreferrer noopener", target: "_blank" }, text) : text;
  });
  const unsold = parts.some((part) => part.commercial_use === false) ? [make("strong", {}, "not for commercial use")] : [];
  const prefix = now().beside ? `${nameOf(name)}: ` : "";
  return [prefix, ...[...said, ...unsold].flatMap((item, at) => (at ? [", ", item] : [item]))];
}
