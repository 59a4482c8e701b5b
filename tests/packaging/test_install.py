"""What `cmake --install` puts in place: all of it and nothing else, and each piece works from there."""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from harness import BINARY, ROOT  # pylint: disable=wrong-import-position

BUILD = os.path.dirname(BINARY)
PLAIN = ("version", "help")


def ask(*command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          encoding="utf-8", check=False, **options)


def install(into, prefix):
    done = ask("cmake", "--install", BUILD, "--prefix", prefix, env={**os.environ, "DESTDIR": into})
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


def files(directory):
    return {os.path.relpath(os.path.join(folder, name), directory)
            for folder, _, names in os.walk(directory) for name in names}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="coffer-install-")
        cls.addClassCleanup(directory.cleanup)
        cls.dir = directory.name
        install(cls.dir, "/usr")
        cls.binary = os.path.join(cls.dir, "usr/bin/coffer")

    def test_everything_and_nothing_else_is_installed(self):
        commands = re.findall(r"^  (\S+)", ask(self.binary, "help").stdout, re.M)
        pages = {f"usr/share/man/man1/coffer-{name}.1" for name in commands if name not in PLAIN}
        self.assertGreater(len(pages), 20)
        doc = "usr/share/doc/coffer"
        documents = {f"{doc}/{path}" for path in ask("git", "-C", ROOT, "ls-files", "docs").stdout.split()}
        self.assertGreater(len(documents), 4)
        self.assertEqual(files(self.dir), pages | documents | {
            "usr/bin/coffer", "usr/share/man/man1/coffer.1", "usr/share/bash-completion/completions/coffer",
            "usr/lib/systemd/system/coffer.service", "usr/lib/sysusers.d/coffer.conf", "etc/coffer/coffer.conf",
            f"{doc}/README.md", f"{doc}/CHANGELOG.md", f"{doc}/LICENSE", f"{doc}/api-spec/openapi.yaml",
            f"{doc}/examples/coffer.conf.example", f"{doc}/examples/ports.conf"})

    def test_the_installed_program_runs(self):
        done = ask(self.binary, "version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, ask(BINARY, "version").stdout)

    def test_every_man_page_renders_without_a_warning(self):
        pages = sorted(glob.glob(os.path.join(self.dir, "usr/share/man/man1/*.1")))
        self.assertGreater(len(pages), 20)
        for page in pages:
            done = ask("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", page, env={**os.environ, "LC_ALL": "C.UTF-8"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)
            self.assertIn("SYNOPSIS", re.sub(".\x08", "", done.stdout))  # bold is struck twice

    def test_the_unit_names_what_is_installed(self):
        unit = read(self.dir, "usr/lib/systemd/system/coffer.service")
        self.assertNotIn("@", re.sub(r"@(system-service|privileged|resources)", "", unit))
        for path in re.findall(r"(?:=|file://)(/usr/\S+|/etc/coffer/\S+)", unit):
            if "docs/operations.md" not in path:
                self.assertTrue(os.path.exists(self.dir + path), path)
        self.assertIn("ExecStart=/usr/bin/coffer serve --config=/etc/coffer/coffer.conf --data=%S/coffer\n", unit)

    def test_the_prefix_goes_into_the_unit(self):
        with tempfile.TemporaryDirectory(prefix="coffer-install-") as into:
            install(into, "/usr/local")
            unit = read(into, "usr/local/lib/systemd/system/coffer.service")
            self.assertIn("ExecStart=/usr/local/bin/coffer serve --config=/usr/local/etc/coffer/coffer.conf ", unit)
            self.assertTrue(os.path.exists(os.path.join(into, "usr/local/etc/coffer/coffer.conf")))

    def test_a_configuration_that_is_there_stays(self):
        with tempfile.TemporaryDirectory(prefix="coffer-install-") as into:
            install(into, "/usr")
            path = os.path.join(into, "etc/coffer/coffer.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write("listen = 127.0.0.1:9443\n")
            install(into, "/usr")
            self.assertEqual(read(path), "listen = 127.0.0.1:9443\n")

    def test_the_example_is_every_default_and_changes_nothing(self):
        def settings(*options):
            done = ask(self.binary, "config", *options, env={"PATH": os.environ["PATH"]})
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return [line for line in done.stdout.splitlines() if not line.startswith("#")]

        defaults = settings()
        text = read(self.dir, "usr/share/doc/coffer/examples/coffer.conf.example")
        self.assertEqual(text, read(self.dir, "etc/coffer/coffer.conf"))
        self.assertEqual(settings("--config", os.path.join(self.dir, "etc/coffer/coffer.conf")), defaults)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(re.sub(r"^#(\w+ =)", r"\1", text, flags=re.M))
            file.flush()
            self.assertEqual(settings("--config", file.name), defaults)
            told = ask(self.binary, "config", "--config", file.name).stdout
        self.assertEqual(told.count("# file\n"), len(defaults), told[:200])


if __name__ == "__main__":
    unittest.main()
