/**
 * Removes what a lab has made on a server that it did not start, when the lab is gone: a process of its own, so that a
 * slow server holds nobody up, and nobody who ends the lab's processes ends this. It gets the roots as JSON on its
 * stdin, and ends within a minute or two; what it could not remove stays noted for the next start.
 */
import { text } from "node:stream/consumers";
import { type Root, removeRootInTime } from "./guest";

void text(process.stdin).then(async (json) => {
	await Promise.allSettled((JSON.parse(json) as Root[]).map(removeRootInTime));
	process.exit();
});
