"""coffer acme-hook by hand, as an ACME client runs it: by a link, with five words."""

import os
import stat
import subprocess
import tempfile
import unittest

from harness import BINARY, run

TOKEN = "LMg1ViCw4stErXzymWGZ8vhdKxrMUC2gJ5_mfOU0s7E"
PROOF = TOKEN + ".ODJplnKgK_JAS46cy6tq6u4n0I9xdRT9aR1G2EApYsI"


class Hook(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="coffer-hook-")
        self.addCleanup(self.folder.cleanup)
        self.challenges = os.path.join(self.folder.name, "challenges")
        os.mkdir(self.challenges, 0o700)
        self.link = os.path.join(self.folder.name, "coffer-acme-hook")
        os.symlink(BINARY, self.link)

    def hook(self, *words, challenges=None):
        return subprocess.run(
            [self.link, *words], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False, timeout=60,
            env={"COFFER_ACME_CHALLENGES": self.challenges if challenges is None else challenges}).returncode

    def test_a_proof_is_there_from_begin_to_end(self):
        for end in ("done", "failed"):
            self.assertEqual(self.hook("begin", "http-01", "a.example.org", TOKEN, PROOF), 0)
            path = os.path.join(self.challenges, TOKEN)
            with open(path, encoding="ascii") as file:
                self.assertEqual(file.read(), PROOF)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            self.assertEqual(self.hook(end, "http-01", "a.example.org", TOKEN, PROOF), 0)
            self.assertEqual(os.listdir(self.challenges), [])

    def test_other_ways_are_declined_and_nonsense_refused(self):
        self.assertEqual(self.hook("begin", "dns-01", "a.example.org", TOKEN, "x" * 43), 1)
        self.assertEqual(self.hook("begin", "tls-alpn-01", "a.example.org", TOKEN, "x" * 43), 1)
        for words in (("begin", "http-01", "a.example.org", "../" + TOKEN, "../" + PROOF), ("begin",), (),
                      ("begin", "http-01", "a.example.org", TOKEN, "x" + PROOF),
                      ("delete", "http-01", "a.example.org", TOKEN, PROOF)):
            self.assertEqual(self.hook(*words), 2, words)
        self.assertEqual(os.listdir(self.challenges), [])

    def test_it_is_not_for_people(self):
        for challenges in ("", "challenges", os.path.join(self.folder.name, "absent")):
            self.assertEqual(self.hook("begin", "http-01", "a.example.org", TOKEN, PROOF, challenges=challenges), 2)
        alone = run("acme-hook")
        self.assertEqual(alone.returncode, 2)
        self.assertIn("only coffer serve runs this", alone.stderr)
        self.assertNotIn("acme-hook", run("help").stdout)

    def test_a_link_of_another_name_is_the_program_itself(self):
        other = os.path.join(self.folder.name, "coffer-0.1.0")
        os.symlink(BINARY, other)
        result = subprocess.run([other, "version"], capture_output=True, encoding="utf-8", check=False, timeout=60)
        self.assertEqual((result.returncode, result.stdout), (0, run("version").stdout))


if __name__ == "__main__":
    unittest.main()
