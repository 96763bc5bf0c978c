// What was drawn on this device: thumbnails and what was asked, in the browser's own database.

import { addressOf } from "./cell.js";
import { parse } from "./exact.js";

const MOST = 200;
const THUMB = 112; // px
let opened = null;

function open() {
	opened ??= new Promise((resolve, reject) => {
		const request = indexedDB.open("c2l", 1);
		request.onupgradeneeded = () => request.result.createObjectStore("drawn", { keyPath: "id", autoIncrement: true });
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
	return opened;
}

async function carryOut(mode, call) {
	const database = await open();
	return new Promise((resolve, reject) => {
		const transaction = database.transaction("drawn", mode);
		const request = call(transaction.objectStore("drawn"));
		transaction.oncomplete = () => resolve(request.result);
		transaction.onerror = transaction.onabort = () => reject(transaction.error);
	});
}

/**
 * Keep an entry: {asked} for a wall or {record} for one picture, with its `pictures`. It takes the
 * place of the entry `id`, if one is given. Gives the entry's id; null where nothing can be kept.
 */
export async function keep({ pictures, asked = null, record = null }, id = null) {
	try {
		const thumbs = await Promise.all(pictures.slice(0, 4).map((picture) => thumbnail(picture)));
		// As text: a large seed is no plain object, see exact.js.
		const entry = { at: Date.now(), thumbs, text: JSON.stringify({ asked, record }) };
		const last = (await carryOut("readonly", (store) => store.openCursor(null, "prev")))?.value;
		const place = id ?? (last?.text === entry.text ? last.id : null); // a reload is nothing new
		const kept = await carryOut("readwrite", (store) => store.put(place === null ? entry : { ...entry, id: place }));
		await forgetOldest();
		return kept;
	} catch {
		return null;
	}
}

/** The newest first: {id, at, thumbs, asked, record}. */
export async function entries() {
	try {
		const all = await carryOut("readonly", (store) => store.getAll());
		return all.sort((a, b) => b.at - a.at).map(({ text, ...entry }) => ({ ...entry, ...parse(text) }));
	} catch {
		return [];
	}
}

export const forget = (id) => carryOut("readwrite", (store) => store.delete(id));
export const forgetAll = () => carryOut("readwrite", (store) => store.clear());

async function forgetOldest() {
	const keys = await carryOut("readonly", (store) => store.getAllKeys());
	for (const key of keys.slice(0, -MOST)) await forget(key);
}

/** A small copy. */
export async function thumbnail(picture, side = THUMB) {
	const image = new Image();
	image.src = addressOf(picture);
	await image.decode();
	const scale = Math.min(1, side / Math.max(image.width, image.height));
	const canvas = document.createElement("canvas");
	[canvas.width, canvas.height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
	const pen = canvas.getContext("2d");
	pen.imageSmoothingQuality = "high";
	pen.drawImage(image, 0, 0, canvas.width, canvas.height);
	return canvas.toDataURL("image/webp", 0.8);
}
