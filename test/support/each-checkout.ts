import { FakeCheckout } from "./checkout";

/** For each test around this call a checkout of its own, which is removed after it. What is given is the running test's. */
export function eachCheckout(): FakeCheckout {
	const each: FakeCheckout = Object.create(FakeCheckout.prototype);
	beforeEach(() => Object.setPrototypeOf(each, new FakeCheckout()));
	afterEach(() => each.remove());
	return each;
}
