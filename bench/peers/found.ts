/** How to start a peer, or why it can't be had here and what would bring it. */
export type Found =
	| { readonly command: string; readonly args: readonly string[] }
	| { readonly missing: string };
