// Asks for the token that the server wants.

import { onTokenWanted, token } from "./api.js";
import { $, make } from "./dom.js";

let waiting = null;

export function startToken() {
	onTokenWanted((wasWrong) => (waiting ??= ask(wasWrong).finally(() => (waiting = null))));
}

function ask(wasWrong) {
	const dialog = $("token");
	return new Promise((resolve) => {
		const field = make("input", { type: "password", id: "token-field", autocomplete: "current-password", required: true });
		const form = make(
			"form",
			{ method: "dialog" },
			make("h2", { id: "token-title" }, "Token"),
			make("p", {}, wasWrong ? "The server does not know this token." : "This server asks for its token. It was shown when it started."),
			make("label", { for: "token-field", class: "hidden" }, "Token"),
			field,
			make("button", { class: "main" }, make("span", {}, "Go on")),
		);
		form.addEventListener("submit", () => {
			token.set(field.value.trim());
			resolve();
		});
		dialog.oncancel = (event) => event.preventDefault(); // there is nothing to see without it
		dialog.replaceChildren(form);
		dialog.showModal();
		field.focus();
	});
}
