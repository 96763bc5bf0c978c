// What can be done with a picture: a tab of the room, and its panel.

export class Tool {
	constructor(room) {
		this.room = room;
	}

	/** It is shown, for the room's picture. */
	enter() {}

	/** It is left, or the picture is another one from now on. */
	leave() {}

	/** A picture of the strip was chosen. */
	chose() {}
}
