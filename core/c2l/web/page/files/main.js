// Puts the page together: what was asked before the reload is asked again, or else an example.

import { get, post } from "./api.js";
import { askedBy } from "./ask.js";
import { copyMenu, requestOfWall } from "./copyas.js";
import { $ } from "./dom.js";
import { complain, pictures, redraw, startDrawing } from "./drawing.js";
import { keep } from "./history.js";
import { startKeys } from "./keys.js";
import { onConnection } from "./live.js";
import { startPast } from "./past.js";
import { startPhoto } from "./photo.js";
import { showExamples, startPrompt } from "./prompt.js";
import { recipe, refresh, startRecipes } from "./recipes.js";
import { room } from "./room.js";
import { inWords, toast } from "./say.js";
import { showDefaults, startSettings } from "./settings.js";
import { change, listen, now, remembered } from "./state.js";
import { startToken } from "./token.js";

const STRETCH = 30_000; // ms of typing and dragging that make one entry of the history

let entry = null; // of the history, which goes on being written: {id, at, byHand}
let byHand = false; // typing and dragging
let isFirstVisit = !remembered();

function showRecipe() {
	const chosen = recipe(now().recipe);
	showExamples(chosen?.prompts ?? []);
	showDefaults(chosen?.facts, chosen?.settings);
}

/** What is typed and dragged in one go is one entry; whatever is done on purpose begins another. */
async function remember(drawn, asked) {
	const goesOn = entry && Date.now() - entry.at < STRETCH;
	entry = { id: entry?.id ?? null, at: Date.now(), byHand };
	entry.id = await keep({ pictures: drawn, asked }, goesOn ? entry.id : null);
}

async function restoreRecord(record) {
	const asked = askedBy(record);
	if (asked && recipe(asked.recipe)) {
		room.left();
		change(asked, "restore");
		return;
	}
	const { pictures: [picture] } = await post("records/draw", { records: [record], format: "png" });
	room.open(picture, { others: pictures() });
}

const restore = (record) => restoreRecord(record).catch((error) => toast(inWords(error.message)));

/** Ask what there is, and draw: at the start, and when the server is there again. */
async function begin() {
	try {
		await refresh();
	} catch (error) {
		return complain(error);
	}
	showRecipe();
	const [example] = recipe(now().recipe).prompts;
	if (isFirstVisit && example) change({ prompt: example });
	else redraw();
	isFirstVisit = false;
	get(".").then(({ video_formats: formats }) => room.offerVideo(formats), () => {});
}

function connection(isFine) {
	$("connection").textContent = isFine ? "" : "Waiting for the server …";
	if (isFine) begin();
}

function start() {
	startToken();
	if (!isFirstVisit) change(remembered(), "restore");
	startPrompt();
	startSettings();
	startDrawing((picture, from) => room.open(picture, { others: pictures(), from }), remember);
	listen((asked, names, why) => {
		byHand = why === "typing" || why === "dragging";
		if (!byHand || !entry?.byHand) entry = null;
		if (names.has("recipe")) showRecipe();
	});
	startPast((kept) => (kept.asked ? (room.left(), change(kept.asked, "restore")) : restore(kept.record)));
	startPhoto(restore, (picture, photo, from) => {
		keep({ pictures: [picture], record: picture.record });
		room.open(picture, { others: pictures(), source: photo, from });
	});
	startKeys(() => room.close());
	$("copy").append(copyMenu(() => ({ request: requestOfWall() })));
	startRecipes(showRecipe);
	onConnection(connection);
	begin();
}

start();
