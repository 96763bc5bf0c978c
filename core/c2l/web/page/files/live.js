// Live drawing: the latest wish wins. A preview at once, the full picture when the wishes stop.

import { get, openSocket, post, token, UNREACHABLE } from "./api.js";
import { parse } from "./exact.js";

const QUIET = 220; // ms without a new wish before full quality is asked for
const PATIENCE = 300; // ms that a preview may take before a newer wish overtakes it
const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 5000;

const watchers = new Set();
const broken = new Set();

/** Calls with true while all sockets are fine, and with false while one tries to come back. */
export const onConnection = (call) => watchers.add(call);

function tellConnection(live, fine) {
	const before = broken.size;
	if (fine) broken.delete(live);
	else broken.add(live);
	if (Boolean(before) !== Boolean(broken.size)) watchers.forEach((call) => call(!broken.size));
}

export class Live {
	#socket = null;
	#ready = false;
	#wish = null; // the latest: {version, ask, show, at, previewed, sent}
	#flying = null; // what the server is drawing: {id, wish, preview, since}
	#version = 0;
	#timer = 0;
	#pause = FIRST_PAUSE;
	#plain = false; // no sockets here (a proxy without them): plain requests instead

	constructor() {
		this.#connect();
	}

	/**
	 * Draw. `ask` is {kind, request, size}, `show(answer, final)` gets each answer that is not overtaken,
	 * `fail(error)` what went wrong. `calmly` leaves the preview out.
	 */
	draw(ask, show, fail, { calmly = false } = {}) {
		this.#wish = { version: ++this.#version, ask, show, fail, at: performance.now(), previewed: calmly, sent: false };
		if (calmly) this.#wish.at -= QUIET;
		this.#pump();
	}

	/** Forget what was asked for. */
	rest() {
		this.#wish = this.#flying = null;
		clearTimeout(this.#timer);
	}

	close() {
		this.rest();
		tellConnection(this, true);
		const socket = this.#socket;
		this.#socket = null;
		socket?.close();
	}

	#pump() {
		const wish = this.#wish;
		clearTimeout(this.#timer);
		if (!wish || wish.sent || !(this.#ready || this.#plain)) return;
		const now = performance.now();
		if (this.#flying?.preview) {
			const left = this.#flying.since + PATIENCE - now;
			const newer = this.#flying.wish !== wish;
			// A preview that is nearly there is shown, so that a long drag moves; one of this wish always.
			if (!newer) return;
			if (left > 0) return void (this.#timer = setTimeout(() => this.#pump(), left));
		}
		if (!wish.previewed) {
			wish.previewed = true;
			this.#send(wish, true);
			return;
		}
		const left = wish.at + QUIET - now;
		if (left > 0) {
			this.#timer = setTimeout(() => this.#pump(), left);
			return;
		}
		wish.sent = true;
		this.#send(wish, false);
	}

	#send(wish, preview) {
		const { kind, request, size } = wish.ask;
		const out = preview ? { preview, max_size: size, format: "jpeg" } : { format: "png" };
		this.#flying?.abort?.abort();
		const flying = { id: `${wish.version}${preview ? "p" : ""}`, wish, preview, since: performance.now() };
		this.#flying = flying;
		if (!this.#plain) {
			this.#socket.send(JSON.stringify({ id: flying.id, kind, request, ...out }));
			return;
		}
		flying.abort = new AbortController();
		post(kind, { ...request, ...out }, { signal: flying.abort.signal }).then(
			(answer) => this.#answered({ id: flying.id, ...answer }),
			(error) => error.name !== "AbortError" && this.#answered({ id: flying.id, error }),
		);
	}

	#answered(answer) {
		const flying = this.#flying;
		if (!flying || answer.id !== flying.id) return; // overtaken
		this.#flying = null;
		const { wish, preview } = flying;
		if (answer.error) {
			if (wish === this.#wish) {
				if (answer.error.code !== "rate_limited" && answer.error.status !== 429) wish.sent = true;
				wish.fail?.(answer.error);
			}
		} else if (wish === this.#wish || preview) {
			wish.show(answer, !preview, wish === this.#wish);
		}
		this.#pump();
	}

	#connect() {
		const socket = openSocket();
		let wasOpen = false;
		this.#socket = socket;
		socket.onopen = () => {
			wasOpen = this.#ready = true;
			this.#pause = FIRST_PAUSE;
			tellConnection(this, true);
			this.#pump();
		};
		socket.onmessage = (event) => this.#answered(parse(event.data));
		socket.onclose = () => {
			if (this.#socket !== socket) return; // closed by us
			this.#ready = false;
			this.#startAgain();
			if (!wasOpen) this.#whyNot();
			else this.#later();
		};
	}

	/** What was being drawn is lost with its socket: the latest wish is sent once more. */
	#startAgain() {
		if (this.#flying?.wish === this.#wish && this.#wish) this.#wish.sent = this.#flying.preview ? this.#wish.sent : false;
		this.#flying = null;
	}

	#later() {
		tellConnection(this, false);
		setTimeout(() => this.#socket && this.#connect(), this.#pause);
		this.#pause = Math.min(this.#pause * 1.6, LONGEST_PAUSE);
	}

	/** It never opened: the server is away, or wants a token, or something between knows no sockets. */
	async #whyNot() {
		const before = token.get();
		try {
			await get(".");
		} catch (error) {
			if (error === UNREACHABLE) return this.#later();
		}
		if (!this.#socket) return;
		if (token.get() !== before) return this.#connect();
		this.#plain = true;
		tellConnection(this, true);
		this.#pump();
	}
}
