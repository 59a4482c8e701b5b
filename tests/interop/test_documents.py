"""What the documents say is so: their commands run, as they stand there and in that order; what they name exists.

A command of a document stands in a block that begins with ```sh. The words behind it say who runs it:

    ```sh                    this file, with a server over ./coffer-data on localhost:8443
    ```sh by=PATH            the test, or the script, at PATH: it runs what stands there, or holds each of its lines
    ```sh needs=WHAT         nobody: no test can have WHAT. Counted in NOT_RUN, so that none slips in
"""
import os
import pathlib
import re
import stat
import subprocess
import sys
import unittest

from pages import ROOT, blocks, commands, prose

sys.path.insert(0, str(ROOT / "tests" / "api"))
from harness import BINARY, Server, run, wait_until  # pylint: disable=wrong-import-position

PAGES = sorted(str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
LANGUAGES = {"sh", "text", "yaml", "ini", "json", "c", "python"}
# Blocks of commands that no test runs, by page and by what is missing.
NOT_RUN = {("docs/operations.md", "docker"): 2}


class Commands(unittest.TestCase):
    def serve(self):
        self.server = Server()
        self.addCleanup(self.server.remove)
        self.server.start()
        self.dir = pathlib.Path(self.server.root)
        (self.dir / "coffer-data").symlink_to("data")
        self.assertTrue(wait_until((self.dir / "data" / "audit.head").exists), "a new store has a head within a second")
        tools = self.dir / "tools"
        tools.mkdir()
        (tools / "coffer").symlink_to(BINARY)
        script = tools / "partner.py"
        script.write_text(f'#!/bin/sh\nexec /usr/bin/python3 "{ROOT}/docs/examples/partner.py" "$@"\n', encoding="utf-8")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    def run_page(self, page):
        self.serve()
        text = "set -euo pipefail\n" + "\n".join(commands(page))
        text = text.replace("localhost:8443", f"localhost:{self.server.port}")
        done = subprocess.run(["bash", "-c", text], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300, encoding="utf-8", errors="replace", check=False,
                              env={**os.environ, "PATH": f"{self.dir}/tools:{os.environ['PATH']}",
                                   "COFFER_HOME": f"{self.dir}/profile"})
        self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        self.assertNotIn("PRIVATE KEY", done.stdout)
        return done.stdout

    def test_of_every_page_run(self):
        shown = {}
        for page in PAGES:
            if commands(page):
                with self.subTest(page=page):
                    shown[page] = self.run_page(page)
                    self.server.stop()
                    self.assertEqual(run("check", "--data", self.server.data).returncode, 0)
                    self.server.remove()
        self.assertLessEqual({"README.md", "docs/operations.md", "docs/partners.md"}, set(shown))
        self.assertIn("Shall we meet?", shown["README.md"])
        self.assertIn("Verified OK", shown["docs/partners.md"])


class Blocks(unittest.TestCase):
    def each(self):
        for page in PAGES:
            for block in blocks(page):
                yield page, block

    def test_each_says_what_it_is_and_no_command_hides_in_an_indented_one(self):
        for page, block in self.each():
            self.assertIn(block.language, LANGUAGES, f"{page}: {block.text[:80]}")
            self.assertLessEqual(set(block.options), {"by", "needs"}, f"{page}: {block.text[:80]}")
        for page in PAGES:
            self.assertEqual(re.findall(r"\n\n(?:    |\t)[^\n]*", prose(page)), [], page)

    def test_what_others_run_is_there(self):
        for page, block in self.each():
            if "by" not in block.options:
                continue
            text = (ROOT / block.options["by"]).read_text(encoding="utf-8")
            # A test that takes the commands from the page names it; a script has them itself.
            if page not in text:
                for line in block.text.splitlines():
                    self.assertIn(line, text, f"{page}: {block.options['by']} does not run it")

    def test_what_nobody_runs_is_counted(self):
        found = {}
        for page, block in self.each():
            if "needs" in block.options:
                key = page, block.options["needs"]
                found[key] = found.get(key, 0) + 1
        self.assertEqual(found, NOT_RUN)


def tracked(*paths):
    try:
        done = subprocess.run(["git", "-C", str(ROOT), "ls-files", *paths], stdout=subprocess.PIPE, encoding="utf-8", check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise unittest.SkipTest("no git, or no clone, to tell which files there are") from None
    return done.stdout.split()


class Names(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        for page in PAGES:
            text = prose(page)
            here = (ROOT / page).parent
            for target in re.findall(r"\]\(([^)]+)\)", text):
                path, _, part = target.partition("#")
                if path.startswith("https://"):
                    continue
                found = here / path if path else ROOT / page
                self.assertTrue(found.exists(), f"{page}: {target}")
                if part:
                    heads = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.M)
                    anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
                    self.assertIn(part, anchors, f"{page}: {target}")

    def test_every_file_that_is_named_is_there(self):
        known = set(tracked())
        folders = {str(pathlib.PurePath(*parts[:i])) for parts in (pathlib.PurePath(f).parts for f in known)
                   for i in range(1, len(parts))}
        for page in PAGES:
            for path in re.findall(r"`((?:crypto|db|server|tests|script|docs|packaging|docker|api-spec)/[\w./-]*\w)`",
                                   prose(page)):
                self.assertTrue(path in known or path in folders or f"{path}.c" in known, f"{page}: {path}")

    def test_every_test_that_is_named_is_there(self):
        names = set()
        for path in tracked("tests"):
            if path.endswith((".py", ".c", ".js")):
                text = (ROOT / path).read_text(encoding="utf-8")
                names |= set(re.findall(r"^\s*def (test_\w+)", text, re.M))
                names |= set(re.findall(r"^Test\(\w+, (\w+)", text, re.M))
                names.add(os.path.basename(path))
        for page in ("docs/threat-model.md", "docs/hipaa.md"):
            text = (ROOT / page).read_text(encoding="utf-8")
            shown = "".join(row.rstrip("| ").rpartition("|")[2] for row in text.splitlines() if row.startswith("| "))
            named = set(re.findall(r"`(test_\w+(?:\.py|\.c|\.js)?|\w+_\w+_\w+)`", shown))
            self.assertGreater(len(named), 15, page)
            self.assertEqual(named - names, set(), page)

    def test_every_setting_that_is_named_is_one(self):
        options = set(re.findall(r"^  (--[\w-]+)", run("serve", "--help").stdout, re.M))
        for name in re.findall(r"^  ([a-z-]+) ", run("help").stdout, re.M):
            options |= set(re.findall(r"(--[\w-]+)", run(name, "--help").stdout))
        options |= set(re.findall(r"(--[\w-]+)", run("seal", "--to", "KEY", "--help").stdout))
        for script in ("bench", "test", "image", "fuzz"):
            options |= set(re.findall(r"(--[\w-]+)", (ROOT / "script" / script).read_text(encoding="utf-8")))
        options |= set(re.findall(r"\"(--[\w-]+)\"", (ROOT / "tests/bench/bench.py").read_text(encoding="utf-8")))
        for page in PAGES:
            for words in re.findall(r"`([^`\n]+)`", prose(page)):
                if words.startswith(("--", "coffer ")):
                    for option in re.findall(r"(?:^|\s)(--[\w-]+)", words):
                        self.assertIn(option, options, f"{page}: {words}")


class Architecture(unittest.TestCase):
    page = "docs/architecture.md"

    def test_every_source_file_has_one_line(self):
        """`name` in a row of a table, under a heading that names its directory; a .c and its .h are one."""
        named, directory = [], None
        for line in (ROOT / self.page).read_text(encoding="utf-8").splitlines():
            heading = re.match(r"#+ .*`([\w./-]+/)`", line)
            if heading:
                directory = heading.group(1)
            elif line.startswith("#"):
                directory = None
            row = re.match(r"\| `([^`]+)` \|", line)
            if row and directory:
                named.append(directory + row.group(1))
        files = {re.sub(r"\.[ch]$", "", path) for path in
                 tracked("crypto", "db", "server", "script", "packaging", "docker", "api-spec")}
        self.assertEqual(sorted(files - set(named)), [], "not told of")
        self.assertEqual(sorted(set(named) - files), [], "not there")
        self.assertEqual(len(named), len(set(named)), "told of twice")


    def test_every_directory_of_tests_has_one_line(self):
        named = re.findall(r"^\| `(tests/\w+)/` \|", (ROOT / self.page).read_text(encoding="utf-8"), re.M)
        self.assertEqual(sorted(named), sorted({"/".join(path.split("/")[:2]) for path in tracked("tests")
                                                if path.count("/") > 1}))


class Formats(unittest.TestCase):
    def test_the_actions_of_the_audit_log_are_those_of_the_program(self):
        text = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
        told = {int(number): name for number, name in
                re.findall(r"(\d+) ([a-z]+\.[a-z-]+)", re.search(r"^\| 2 \| action: (.*) \|$", text, re.M).group(1))}
        numbers = {symbol: int(number) for symbol, number in
                   re.findall(r"(AUDIT_\w+) = (\d+)", (ROOT / "server/core/audit.h").read_text(encoding="utf-8"))}
        names = {numbers[symbol]: name for symbol, name in
                 re.findall(r'\[(AUDIT_\w+)\] = "([a-z.-]+)"', (ROOT / "server/core/audit.c").read_text(encoding="utf-8"))}
        self.assertGreater(len(names), 40)
        self.assertEqual(told, names)

    def test_every_file_of_vectors_is_told_of(self):
        text = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
        for path in (ROOT / "tests/vectors").glob("*.json"):
            self.assertIn(f"`tests/vectors/{path.name}`", text)

    def test_the_offsets_of_each_table_add_up(self):
        text = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
        tables = re.findall(r"^\| offset \| bytes \| what \|\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.M)
        self.assertGreater(len(tables), 5)
        for table in tables:
            expected = 0
            for row in table.splitlines():
                offset, size = (cell.strip() for cell in row.split("|")[1:3])
                if not offset.isdecimal():
                    break  # behind a part whose length is told in words
                self.assertEqual(int(offset), expected, row)
                if not size.isdecimal():
                    break
                expected += int(size)


if __name__ == "__main__":
    unittest.main()
