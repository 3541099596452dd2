import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import go from "highlight.js/lib/languages/go";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import yaml from "highlight.js/lib/languages/yaml";
import { escaped, type Html, trusted } from "./html";

/** Each brings its other names with it, such as ts, js, sh and py. */
const languages = { bash, go, json, python, typescript, yaml };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

/** Code with its words marked by their kind; in a language that is not known, as it is. Everything is escaped. */
export function highlighted(code: string, language = ""): Html {
	const name = language === "mjs" ? "typescript" : language;
	if (hljs.getLanguage(name) === undefined) return trusted(escaped(code));
	return trusted(hljs.highlight(code, { language: name, ignoreIllegals: true }).value);
}
