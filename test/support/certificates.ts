import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

/** A certificate and its key, as paths. */
export interface Certificate {
	readonly cert: string;
	readonly key: string;
}

/** Certificates of a test's own authority, made with openssl; `undefined` where there is none. */
export class Certificates {
	readonly ca: Certificate;
	readonly server: Certificate;
	readonly client: Certificate;
	/** An authority that signed none of these. */
	readonly stranger: Certificate;
	/** Signed by the stranger. */
	readonly strangersClient: Certificate;
	private readonly folder: string;

	private constructor() {
		this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "certificates-"));
		this.ca = this.authority("ca");
		this.stranger = this.authority("stranger");
		this.server = this.signed(
			"server",
			this.ca,
			"subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth",
		);
		this.client = this.signed("client", this.ca, "extendedKeyUsage=clientAuth");
		this.strangersClient = this.signed("strangers-client", this.stranger, "extendedKeyUsage=clientAuth");
	}

	static make(): Certificates | undefined {
		try {
			execFileSync("openssl", ["version"], { stdio: "ignore" });
		} catch {
			return undefined;
		}
		return new Certificates();
	}

	/** A file that is no certificate. */
	get garbage(): string {
		const file = path.join(this.folder, "garbage.pem");
		fs.writeFileSync(file, "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n");
		return file;
	}

	remove(): void {
		fs.rmSync(this.folder, { recursive: true, force: true });
	}

	private authority(name: string): Certificate {
		const [cert, key] = [path.join(this.folder, `${name}.pem`), path.join(this.folder, `${name}.key`)];
		openssl(["req", "-x509", ...newKey(name, key), "-days", "2", "-out", cert]);
		return { cert, key };
	}

	private signed(name: string, by: Certificate, extensions: string): Certificate {
		const file = (ending: string) => path.join(this.folder, `${name}.${ending}`);
		const [cert, key] = [file("pem"), file("key")];
		openssl(["req", ...newKey(name, key), "-out", file("csr")]);
		fs.writeFileSync(file("ext"), `${extensions}\n`);
		openssl([
			...["x509", "-req", "-in", file("csr"), "-CA", by.cert, "-CAkey", by.key, "-CAcreateserial"],
			...["-days", "2", "-extfile", file("ext"), "-out", cert],
		]);
		return { cert, key };
	}
}

function newKey(name: string, key: string): string[] {
	return [
		"-newkey",
		"ec",
		"-pkeyopt",
		"ec_paramgen_curve:prime256v1",
		"-nodes",
		"-keyout",
		key,
		"-subj",
		`/CN=${name}`,
	];
}

function openssl(args: readonly string[]): void {
	execFileSync("openssl", args, { stdio: "pipe" });
}
