/** What the bench reads of an event, whoever parsed it. */
export interface EventJson {
	readonly node: { readonly key: string; readonly modifiedIndex: number };
}

/** @throws Error for an answer that is none of an event or a write, such as etcd's error 401 */
export function eventOf(body: string): EventJson {
	const json: unknown = JSON.parse(body);
	if (typeof json === "object" && json !== null && "node" in json) return json as EventJson;
	throw new Error(`no event: ${body.slice(0, 200)}`);
}
