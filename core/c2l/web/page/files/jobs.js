// What takes long: a job with its progress, which can be given up.

import { get, post, Refused, send } from "./api.js";
import { parse } from "./exact.js";

/** Start a job and wait for it; the `bar` shows how far it is. */
export async function carryOut(kind, request, bar, signal) {
	bar.hidden = false;
	bar.removeAttribute("value");
	let giveUp;
	try {
		const job = await post("jobs", { kind, request }, { signal });
		giveUp = () => send("DELETE", `jobs/${job.id}`).catch(() => {});
		signal.addEventListener("abort", giveUp);
		await follow(job.id, bar, signal);
		const end = await get(`jobs/${job.id}`, { signal });
		if (end.state === "failed") throw new Refused(end.error, 0);
		if (end.state === "cancelled") throw new DOMException("given up", "AbortError");
		return end;
	} finally {
		bar.hidden = true;
		signal.removeEventListener("abort", giveUp);
	}
}

/** Read its events until the last. EventSource cannot send a token. */
async function follow(id, bar, signal) {
	const answer = await send("GET", `jobs/${id}/events`, { signal });
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let text = "";
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return;
		text = (text + value).replace(/\r\n/g, "\n");
		const events = text.split("\n\n");
		text = events.pop();
		for (const event of events) {
			const fields = Object.fromEntries(event.split("\n").map((line) => line.split(/: ?(.*)/s)));
			const { done: far, total } = fields.event === "progress" ? parse(fields.data) : {};
			if (total) bar.value = far / total;
			if (fields.event === "end") return void reader.cancel();
		}
	}
}

export async function fileOf(job) {
	return (await send("GET", `jobs/${job.id}/file`)).blob();
}
