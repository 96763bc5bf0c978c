// What this browser keeps for the next visit. Private windows and full disks keep nothing: the page
// works all the same, it only forgets.

import { parse } from "./exact.js";

export function recall(key) {
	try {
		return parse(localStorage.getItem(`c2l-${key}`));
	} catch {
		return null;
	}
}

export function store(key, value) {
	try {
		localStorage.setItem(`c2l-${key}`, JSON.stringify(value));
	} catch {
		// it is forgotten
	}
}
