"""Man pages and completion, made from what the commands say of themselves."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import BINARY, ROOT, run

WITHOUT_PAGE = {"version", "help"}


def commands():
    return re.findall(r"^  (\S+) +\S", run("help").stdout, re.M)


class Manuals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="coffer-manuals-")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        subprocess.run([os.path.join(ROOT, "script", "make-manuals"), BINARY, cls.dir], check=True)

    def page(self, name):
        with open(os.path.join(self.dir, "man1", name + ".1"), encoding="utf-8") as file:
            return file.read()

    def test_every_command_has_help_and_a_page_with_every_option(self):
        names = commands()
        self.assertGreater(len(names), 25)
        listed = self.page("coffer")
        for name in names:
            with self.subTest(name):
                self.assertIn(f"\\fB{name.replace('-', chr(92) + '-')}\\fR", listed)
                if name in WITHOUT_PAGE:
                    continue
                told = run(name, "--help")
                self.assertEqual((told.returncode, told.stderr), (0, ""))
                self.assertTrue(told.stdout.startswith(f"usage: coffer {name}"), told.stdout[:60])
                page = self.page(f"coffer-{name}").replace("\\-", "-")
                for option in re.findall(r"^  (?:-\w, )?(--[\w-]+)", told.stdout, re.M):
                    self.assertIn(f"\\fB{option}\\fR", page)

    def test_pages_are_roff(self):
        for name in os.listdir(os.path.join(self.dir, "man1")):
            lines = self.page(name[:-2]).splitlines()
            self.assertRegex(lines[0], r'^\.TH "[A-Z\\-]+" 1 ')
            for line in lines:
                if line.startswith("."):
                    self.assertIn(line.split()[0], (".TH", ".SH", ".TP", ".PP"), line)
        if not shutil.which("man"):
            return
        for name in os.listdir(os.path.join(self.dir, "man1")):
            shown = subprocess.run(["man", "--warnings", "-l", os.path.join(self.dir, "man1", name)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                   env={**os.environ, "MANWIDTH": "100", "PAGER": "cat"})
            self.assertEqual((shown.returncode, shown.stderr), (0, b""), name)

    def complete(self, *words):
        """What bash offers for the last of these words."""
        script = (f'source "{self.dir}/coffer.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _coffer; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", cwd=self.dir, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return set(done.stdout.split())

    def test_bash_completes_commands_options_and_files(self):
        self.assertEqual(self.complete("coffer", ""), set(commands()))
        self.assertEqual(self.complete("coffer", "s"), {"serve", "seal", "sign", "send", "status"})
        self.assertEqual(self.complete("coffer", "keygen", "--b"), {"--bits"})
        self.assertLessEqual({"--to", "--data"}, self.complete("coffer", "seal", "--"))
        self.assertEqual(self.complete("coffer", "audit", "v"), {"verify"})
        self.assertIn("--max-record-size", self.complete("coffer", "serve", "--max"))
        self.assertEqual(self.complete("coffer", "open", "--key", "coffer.b"), {"coffer.bash"})
        self.assertEqual(self.complete("coffer", "inspect", "--bits", "2048", "coffer.b"), {"coffer.bash"})

    def test_cmake_installs_them(self):
        build = os.path.dirname(BINARY)
        if not os.path.exists(os.path.join(build, "cmake_install.cmake")):
            self.skipTest("the binary is not in a build directory")
        into = os.path.join(self.dir, "installed")
        subprocess.run(["cmake", "--install", build, "--prefix", into], stdout=subprocess.DEVNULL, check=True)
        for path in ("bin/coffer", "share/man/man1/coffer.1", "share/man/man1/coffer-send.1",
                     "share/bash-completion/completions/coffer"):
            self.assertTrue(os.path.exists(os.path.join(into, path)), path)


if __name__ == "__main__":
    unittest.main()
