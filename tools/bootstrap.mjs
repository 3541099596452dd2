// @ts-check
// The one file that an old Node must be able to read: it uses no syntax and no module that Node 12 lacks, so
// that a reader with an old Node gets a sentence instead of a SyntaxError. The work is in setup.mjs.
const version = process.versions.node.split(".").map(Number);
const [major = 0, minor = 0] = version;

if (major < 20 || (major === 20 && minor < 19)) {
	console.error(
		`Node ${process.versions.node} is too old: etcd-watch-lab needs Node 20.19 or newer (nodejs.org, or: nvm install 22).`,
	);
	process.exitCode = 1;
} else {
	import("./setup.mjs").then((setup) => setup.main(process.argv.slice(2)));
}
