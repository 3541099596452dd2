import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { onPath } from "./found";

/** A certificate and its key, as paths. */
export interface Certificate {
	readonly cert: string;
	readonly key: string;
}

/**
 * Certificates of a test's own authority, made with openssl, each when it is first asked for: a test that wants none of
 * them does not wait for them.
 */
export class Certificates {
	#folder: string | undefined;
	readonly #made = new Map<string, Certificate>();

	private constructor() {}

	/** `undefined` where there is no openssl. */
	static make(): Certificates | undefined {
		return onPath("openssl") === undefined ? undefined : new Certificates();
	}

	get ca(): Certificate {
		return this.#once("ca", (name) => this.authority(name));
	}

	/** An authority that signed none of the others. */
	get stranger(): Certificate {
		return this.#once("stranger", (name) => this.authority(name));
	}

	get server(): Certificate {
		const extensions = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth";
		return this.#once("server", (name) => this.signed(name, this.ca, extensions));
	}

	get client(): Certificate {
		return this.#once("client", (name) => this.signed(name, this.ca, "extendedKeyUsage=clientAuth"));
	}

	/** Without a CommonName: etcd's gateway takes no other where users are switched on. */
	get namelessClient(): Certificate {
		const make = (name: string) => this.signed(name, this.ca, "extendedKeyUsage=clientAuth", { field: "O" });
		return this.#once("nameless-client", make);
	}

	/** Like `server`, and like `client`, but for the day on which they ended, which was today. */
	get expiredServer(): Certificate {
		const extensions = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth";
		return this.#once("expired-server", (name) => this.signed(name, this.ca, extensions, { days: 0 }));
	}

	get expiredClient(): Certificate {
		const extensions = "extendedKeyUsage=clientAuth";
		return this.#once("expired-client", (name) => this.signed(name, this.ca, extensions, { days: 0 }));
	}

	/** Signed by the stranger. */
	get strangersClient(): Certificate {
		const make = (name: string) => this.signed(name, this.stranger, "extendedKeyUsage=clientAuth");
		return this.#once("strangers-client", make);
	}

	#once(name: string, make: (name: string) => Certificate): Certificate {
		const made = this.#made.get(name) ?? make(name);
		this.#made.set(name, made);
		return made;
	}

	private get folder(): string {
		this.#folder ??= fs.mkdtempSync(path.join(os.tmpdir(), "certificates-"));
		return this.#folder;
	}

	/** A file that is no certificate. */
	get garbage(): string {
		const file = path.join(this.folder, "garbage.pem");
		fs.writeFileSync(file, "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n");
		return file;
	}

	remove(): void {
		if (this.#folder !== undefined) fs.rmSync(this.#folder, { recursive: true, force: true });
	}

	private authority(name: string): Certificate {
		const [cert, key] = [path.join(this.folder, `${name}.pem`), path.join(this.folder, `${name}.key`)];
		openssl(["req", "-x509", ...newKey(name, key), "-days", "2", "-out", cert]);
		return { cert, key };
	}

	private signed(
		name: string,
		by: Certificate,
		extensions: string,
		{ field = "CN", days = 2 }: { readonly field?: "CN" | "O"; readonly days?: number } = {},
	): Certificate {
		const file = (ending: string) => path.join(this.folder, `${name}.${ending}`);
		const [cert, key] = [file("pem"), file("key")];
		openssl(["req", ...newKey(name, key, field), "-out", file("csr")]);
		fs.writeFileSync(file("ext"), `${extensions}\n`);
		openssl([
			...["x509", "-req", "-in", file("csr"), "-CA", by.cert, "-CAkey", by.key, "-CAcreateserial"],
			...["-days", String(days), "-extfile", file("ext"), "-out", cert],
		]);
		return { cert, key };
	}
}

function newKey(name: string, key: string, field: "CN" | "O" = "CN"): string[] {
	return [
		"-newkey",
		"ec",
		"-pkeyopt",
		"ec_paramgen_curve:prime256v1",
		"-nodes",
		"-keyout",
		key,
		"-subj",
		`/${field}=${name}`,
	];
}

function openssl(args: readonly string[]): void {
	execFileSync("openssl", args, { stdio: "pipe" });
}
