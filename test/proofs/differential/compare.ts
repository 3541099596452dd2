import type { ModelEvent, ModelNode, Refusal } from "etcd-watch-lab/model";
import type { EtcdError, Node } from "etcd-watch-lab/v2";

/** The model and etcd do not agree: what was compared, and what each says. */
export class Difference extends Error {
	override readonly name = "Difference";

	constructor(
		readonly what: string,
		readonly model: unknown,
		readonly etcd: unknown,
	) {
		super(`${what}\n  model: ${JSON.stringify(model)}\n  etcd:  ${JSON.stringify(etcd)}`);
	}
}

/** @throws Difference unless the two are the same text or number. */
export function same(what: string, model: unknown, etcd: unknown): void {
	if (model !== etcd) throw new Difference(what, model, etcd);
}

/** @throws Difference; seconds left may be one apart, since the two read the clock one after the other. */
export function sameNode(what: string, model: ModelNode | undefined, etcd: Node | undefined): void {
	if (model === undefined || etcd === undefined) {
		if (model !== etcd) throw new Difference(what, model, etcd);
		return;
	}
	const children = model.nodes?.length ?? 0;
	const fits =
		model.key === etcd.key &&
		model.value === etcd.value &&
		model.dir === etcd.dir &&
		model.createdIndex === etcd.createdIndex &&
		model.modifiedIndex === etcd.modifiedIndex &&
		sameTtl(model, etcd) &&
		children === (etcd.nodes?.length ?? 0);
	if (!fits) throw new Difference(what, model, etcd);
	for (let at = 0; at < children; at++) {
		sameNode(`${what}, child ${at}`, model.nodes?.[at], etcd.nodes?.[at]);
	}
}

/** Both leave out a ttl of 0; etcd then still tells the expiration, as it does whenever there is a ttl. */
function sameTtl({ ttl = 0 }: ModelNode, etcd: Node): boolean {
	return etcd.expiration === undefined ? ttl === 0 : Math.abs(ttl - (etcd.ttl ?? 0)) <= 1;
}

/** @throws Difference */
export function sameEvent(
	what: string,
	model: ModelEvent,
	etcd: { readonly action: string; readonly node: Node; readonly prevNode?: Node },
): void {
	same(`${what}, action`, model.action, etcd.action);
	sameNode(`${what}, node`, model.node, etcd.node);
	sameNode(`${what}, prevNode`, model.prevNode, etcd.prevNode);
}

/** @throws Difference */
export function sameRefusal(what: string, model: Refusal, etcd: EtcdError): void {
	const { code, cause, index } = model;
	const fits = code === etcd.code && cause === etcd.etcdCause && index === etcd.index;
	if (!fits) {
		const refusal = { kind: "refused", code: etcd.code, cause: etcd.etcdCause, index: etcd.index };
		throw new Difference(what, model, refusal);
	}
}
