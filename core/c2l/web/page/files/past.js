// The drawer with what was drawn before.

import { titleOf } from "./ask.js";
import { $, button, make } from "./dom.js";
import { entries, forget, forgetAll } from "./history.js";

/** `restore(entry)` brings one back. */
export function startPast(restore) {
	const dialog = $("past");
	$("past-open").addEventListener("click", openPast);
	dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
	dialog.addEventListener("restore", (event) => {
		dialog.close();
		restore(event.detail);
	});
}

export async function openPast() {
	const dialog = $("past");
	fill(dialog, await entries());
	if (!dialog.open) dialog.showModal();
}

function fill(dialog, all) {
	const head = make(
		"header",
		{},
		make("h2", { id: "past-title" }, "History"),
		all.length ? clearing(dialog) : null,
		button("close", "", () => dialog.close(), { label: "Close" }),
	);
	const list = all.length
		? make("ol", { class: "past" }, ...all.map((entry) => item(dialog, entry)))
		: make("p", { class: "empty" }, "What you draw is kept here, on this device alone.");
	dialog.replaceChildren(head, list);
}

function clearing(dialog) {
	const clear = button("", "Forget all", async () => {
		if (!clear.dataset.sure) {
			clear.dataset.sure = "yes";
			clear.firstChild.textContent = "Really forget all?";
			return;
		}
		await forgetAll();
		fill(dialog, []);
		dialog.querySelector("button").focus();
	});
	return clear;
}

const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function item(dialog, entry) {
	const { asked, record } = entry;
	const title = asked ? asked.prompt || "After a photograph" : titleOf(record);
	const about = [time.format(entry.at), asked?.recipe ?? record?.recipe, asked?.beside && `and ${asked.beside}`];
	const choose = make(
		"button",
		{ type: "button", class: "entry", onclick: () => dialog.dispatchEvent(new CustomEvent("restore", { detail: entry })) },
		make("span", { class: "thumbs" }, ...entry.thumbs.map((src) => make("img", { src, alt: "" }))),
		make("span", { class: "entry-title", dir: "auto" }, title),
		make("span", { class: "small" }, about.filter(Boolean).join(" · ")),
	);
	const remove = button("bin", "", async () => {
		const next = row.nextElementSibling ?? row.previousElementSibling;
		await forget(entry.id);
		row.remove();
		(next?.querySelector("button") ?? dialog.querySelector("button")).focus();
	}, { label: `Forget “${title}”` });
	const row = make("li", {}, choose, remove);
	return row;
}
