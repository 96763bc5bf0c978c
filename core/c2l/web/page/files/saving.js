// Files: a picture with its record inside.

import { post } from "./api.js";
import { titleOf } from "./ask.js";
import { make } from "./dom.js";
import { digitsOf } from "./exact.js";
import { inWords, toast } from "./say.js";

/** The picture as a PNG; what came smaller or as a preview is drawn again. */
export async function save(picture) {
	try {
		const whole = picture.format === "png" ? picture : (await post("records/draw", { records: [picture.record] })).pictures[0];
		const bytes = Uint8Array.from(atob(whole.image), (letter) => letter.charCodeAt(0));
		saveBlob(new Blob([bytes], { type: "image/png" }), `${nameOf(picture)}.png`);
	} catch (error) {
		toast(inWords(error.message));
	}
}

export function saveBlob(blob, name) {
	const url = URL.createObjectURL(blob);
	make("a", { href: url, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Letters of any script, as `c2l sample` names its files. */
function nameOf({ record, seed }) {
	const words = titleOf(record).toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["picture"];
	const digits = digitsOf(seed);
	return [words.join("-").slice(0, 60), ...(digits ? [`s${digits}`] : [])].join("-");
}
