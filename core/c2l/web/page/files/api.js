// Requests to the server that this page came from: token, errors, and nothing else.

import { parse } from "./exact.js";

const base = new URL("api/v1/", document.baseURI);
const KEY = "c2l-token";

// `#token=…` stays in the browser: a fragment is never sent. It is taken out of the address at once.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
	sessionStorage.setItem(KEY, given);
	history.replaceState(history.state, "", location.pathname + location.search);
}

export const token = {
	get: () => sessionStorage.getItem(KEY) ?? "",
	set: (text) => sessionStorage.setItem(KEY, text),
};

/** An answer that is not a picture: what went wrong, and which field it is about. */
export class Refused extends Error {
	constructor({ message, param = null, code = null }, status, retry = 0) {
		super(message);
		Object.assign(this, { param, code, status, retry });
	}
}

export const UNREACHABLE = new Refused({ message: "The server does not answer." }, 0);

const askers = new Set();

/** Called when the server wants a token; it gives a promise of having one. */
export const onTokenWanted = (ask) => askers.add(ask);

export function address(path) {
	return new URL(path, base);
}

function headers(body) {
	const own = token.get();
	return { ...(body && { "Content-Type": "application/json" }), ...(own && { Authorization: `Bearer ${own}` }) };
}

/** The server's answer, or Refused. An abort stays an AbortError. */
export async function send(method, path, { body, signal } = {}) {
	// Without "omit" a browser would ask for a name and a password by itself.
	const options = { method, signal, credentials: "omit", headers: headers(body), body: body && JSON.stringify(body) };
	let answer;
	try {
		answer = await fetch(address(path), options);
	} catch (error) {
		if (error.name === "AbortError") throw error;
		throw UNREACHABLE;
	}
	if (answer.ok) return answer;
	if (answer.status === 401 && askers.size) {
		await Promise.any([...askers].map((ask) => ask(Boolean(token.get()))));
		return send(method, path, { body, signal });
	}
	throw await refusal(answer);
}

async function refusal(answer) {
	const retry = Number(answer.headers.get("Retry-After")) || 0;
	try {
		return new Refused((await answer.json()).error, answer.status, retry);
	} catch {
		return new Refused({ message: `The server answered ${answer.status}.` }, answer.status, retry);
	}
}

const read = async (answer) => parse(await answer.text());

export const get = async (path, options) => read(await send("GET", path, options));
export const post = async (path, body, options) =>
	read(await send("POST", path, { body, ...options }));

/** The live socket. Browsers cannot send headers with it, so the token goes as a subprotocol. */
export function openSocket() {
	const url = address("live");
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	const own = token.get();
	if (!own) return new WebSocket(url, ["c2l"]);
	const bytes = new TextEncoder().encode(own);
	const text = btoa(String.fromCharCode(...bytes));
	return new WebSocket(url, ["c2l", `token.${text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`]);
}
