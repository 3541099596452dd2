import type { V2Client } from "etcd-watch-lab/v2";

/** Makes exactly `count` sets of one key in the directory, several at once; gives the last one's index. */
export async function writeMany(v2: V2Client, directory: string, count: number): Promise<number> {
	let next = 0;
	let last = 0;
	const writer = async () => {
		while (next < count) {
			next++;
			const { node } = await v2.set(`${directory}/noise`, "x");
			last = Math.max(last, node.modifiedIndex);
		}
	};
	await Promise.all(Array.from({ length: 16 }, writer));
	return last;
}
