// Short messages: seen for a while, or only heard.

import { $ } from "./dom.js";

let timer = 0;

export function toast(text) {
	$("toast").textContent = text;
	$("toast").dataset.shown = "";
	clearTimeout(timer);
	timer = setTimeout(() => delete $("toast").dataset.shown, 4000);
}

/** A message in its place, read aloud at once if something is wrong. */
export function sayIn(element, text, isWrong = false) {
	element.textContent = text;
	element.classList.toggle("wrong", isWrong);
	if (isWrong) element.setAttribute("role", "alert");
	else element.removeAttribute("role");
}

/** For screen readers alone. */
export function speak(text) {
	$("spoken").textContent = text;
}

/** One message of an error, with its fields in plain words. */
export const inWords = (text) => text.replace(/`([^`]*)`/g, "$1").replace(/=/g, " ");
