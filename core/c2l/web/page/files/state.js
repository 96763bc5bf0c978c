// What is asked for: one plain object, who listens to it, and how it outlives a reload.

import { parse } from "./exact.js";

const KEY = "c2l-asked";

export const LEFT_OPEN = ["guidance", "adherence", "truncation", "steps", "best_of"];

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
  remember();
  listeners.forEach((call) => call(asked, new Set(names), why));
}

function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify(asked));
  } catch {
    // Private windows and full disks: the page works all the same, it only forgets.
  }
}

/** What was asked before the reload; null at the first visit. */
export function remembered() {
  try {
    const before = parse(localStorage.getItem(KEY));
    return before ? { ...start(), ...before } : null;
  } catch {
    return null;
  }
}
