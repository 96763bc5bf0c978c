// Seeds go up to 2**64 - 1, and a JavaScript number only to 2**53 without rounding. What is larger is
// kept as its own digits, which JSON writes as they are.

const isLarge = (value) => Number.isInteger(value) && !Number.isSafeInteger(value);

const keep = (key, value, context) =>
	isLarge(value) && JSON.rawJSON ? JSON.rawJSON(context.source) : value;

export const parse = (text) => JSON.parse(text, keep);

const MOST = 2n ** 64n - 1n;

/** A seed from digits; null if they are none. */
export function seedOf(text) {
	const digits = String(text).trim();
	if (!/^\d{1,20}$/.test(digits) || BigInt(digits) > MOST) return null;
	return parse(String(BigInt(digits)));
}

/** The digits of a seed. */
export const digitsOf = (seed) => (seed === null || seed === undefined ? "" : String(seed.rawJSON ?? seed));
