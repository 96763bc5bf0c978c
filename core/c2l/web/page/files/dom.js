// The few things that every module does with elements.

export const $ = (id) => document.getElementById(id);

/** An element: make("button", {type: "button", class: "quiet", onclick}, "text", child…). */
export function make(name, attributes = {}, ...children) {
	const element = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (value === undefined || value === null || value === false) continue;
		if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
		else if (value === true) element.setAttribute(key, "");
		else element.setAttribute(key, value);
	}
	element.append(...children.filter((child) => child !== null && child !== undefined));
	return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
	const svg = document.createElementNS(SVG, "svg");
	const use = document.createElementNS(SVG, "use");
	use.setAttribute("href", `#i-${name}`);
	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("aria-hidden", "true");
	svg.append(use);
	return svg;
}

/** A button with an icon and a text; without a text its name is read aloud only. */
export function button(symbol, text, onclick, attributes = {}) {
	const { label, ...rest } = attributes;
	const shown = text ? [make("span", {}, text)] : [];
	return make(
		"button",
		{ type: "button", class: text ? "quiet" : "quiet only-icon", "aria-label": label, onclick, ...rest },
		...(symbol ? [icon(symbol)] : []),
		...shown,
	);
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Calls the function once, when it was not asked for again for so long. */
export function settled(milliseconds, call) {
	let timer = 0;
	return (...values) => {
		clearTimeout(timer);
		timer = setTimeout(() => call(...values), milliseconds);
	};
}

/** A line to write words in, of any script. */
export const words = (attributes) =>
	make("input", { type: "text", dir: "auto", autocomplete: "off", spellcheck: "false", maxlength: "1000", ...attributes });

/** The same with its label above. */
export const field = (label, input) =>
	make("div", { class: "field" }, make("label", { for: input.id }, label), input);
