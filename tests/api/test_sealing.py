"""A locked KEK: sealed start, unsealing, sealing, another passphrase, nodes that only take records in."""

import glob
import os
import shutil
import unittest

from harness import ApiTest, Server, in_threads, run

WORDS = "correct horse battery staple"
OTHER = "quite another passphrase"


def secret_file(root, name, content):
    path = os.path.join(root, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    return path


class Locked(ApiTest):
    """Over a store that coffer init made; started without the passphrase."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.remove)
        cls.words = secret_file(cls.server.root, "words", WORDS + "\n")
        cls.other = secret_file(cls.server.root, "other", OTHER)
        made = run("init", "--data", cls.server.data, "--passphrase-file", cls.words)
        assert made.returncode == 0, made.stderr
        cls.server.start()

    def ask(self, verb, body=None):
        return self.client.request("POST", f"/v1/{verb}", body, content_type="text/plain")

    def url(self):
        return f"https://127.0.0.1:{self.server.port}"

    def setUp(self):
        super().setUp()
        self.assertEqual(self.ask("seal").status, 204)


class Sealing(Locked):
    def test_sealed_it_takes_records_in_and_gives_them_back_once_unsealed(self):
        self.assertEqual(self.client.get("/v1/ready").json, {"status": "sealed"})
        path = self.create(b"written while sealed", "text/plain")
        big = os.urandom(200000)
        big_path = self.create(big)
        self.assertEqual(self.client.put(path, b"replaced while sealed", if_match='"1"').status, 200)
        self.assertEqual(len(self.client.get("/v1/records").json["records"]) >= 2, True)
        for target in (path, big_path, f"{path}/versions/1"):
            self.assert_problem(self.client.get(target), 503, "sealed")
            self.assertEqual(self.client.head(target).status, 503)
        self.assertEqual(self.ask("unseal", WORDS).status, 204)
        self.assertEqual(self.client.get("/v1/ready").json, {"status": "ready"})
        self.assertEqual(self.client.get(path).body, b"replaced while sealed")
        self.assertEqual(self.client.get(f"{path}/versions/1").body, b"written while sealed")
        self.assertEqual(self.client.get(big_path).body, big)
        self.assertEqual(self.ask("seal").status, 204)
        self.assert_problem(self.client.get(path), 503, "sealed")
        self.assertEqual(self.client.delete(path).status, 204)

    def test_401_comes_before_sealed_and_sealed_before_404(self):
        path = self.create()
        with self.server.client(token=None) as stranger:
            self.assertEqual(stranger.get(path).status, 401)
        self.assert_problem(self.client.get("/v1/records/no-such-record"), 503, "sealed")

    def test_a_wrong_passphrase_leaves_it_sealed(self):
        for wrong in (WORDS[:-1], WORDS + " ", "x", "y" * 1024, WORDS.upper()):
            self.assert_problem(self.ask("unseal", wrong), 403, "wrong-passphrase")
        self.assertEqual(self.ask("unseal", b"").status, 400)
        self.assertEqual(self.ask("unseal", "z" * 1026).status, 413)
        self.assertEqual(self.client.get("/v1/ready").json["status"], "sealed")
        with self.server.client(token=None) as stranger:
            self.assertEqual(stranger.request("POST", "/v1/unseal", WORDS).status, 401)

    def test_guesses_come_one_at_a_time(self):
        def guess(i):
            with self.server.client() as client:
                return client.request("POST", "/v1/unseal", f"wrong guess {i}", content_type="text/plain").status

        answers = in_threads(8, guess)
        self.assertLessEqual(set(answers), {403, 503})
        self.assertIn(403, answers)
        self.assertIn(503, answers)

    def test_commands_ask_the_running_server(self):
        common = ("--data", self.server.data, "--url", self.url())
        wrong = run("unseal", *common, "--passphrase-file", self.other)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("passphrase", wrong.stderr)
        right = run("unseal", *common, "--passphrase-file", self.words)
        self.assertEqual((right.returncode, right.stderr), (0, ""))
        self.assertEqual(self.client.get("/v1/ready").json["status"], "ready")
        sealed = run("seal", *common)
        self.assertEqual((sealed.returncode, sealed.stderr), (0, ""))
        self.assertEqual(self.client.get("/v1/ready").json["status"], "sealed")
        nobody = run("seal", "--data", self.server.data, "--url", "https://127.0.0.1:1")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("is the server running", nobody.stderr)
        untrusted = run("seal", "--data", self.server.data, "--url", self.url(), "--ca",
                        "/etc/ssl/certs/ca-certificates.crt")
        self.assertEqual(untrusted.returncode, 1)
        self.assertIn("not trusted", untrusted.stderr)

    def test_the_terminal_is_the_only_other_source(self):
        asked = run("unseal", "--data", self.server.data, "--url", self.url())
        self.assertEqual(asked.returncode, 1)
        self.assertIn("--passphrase-file", asked.stderr)

    def test_readers_meanwhile_get_the_record_or_are_told(self):
        self.assertEqual(self.ask("unseal", WORDS).status, 204)
        body = os.urandom(100000)
        path = self.create(body)

        def work(i):
            seen = set()
            with self.server.client() as client:
                for _ in range(40):
                    if i == 0:
                        client.request("POST", "/v1/seal")
                        client.request("POST", "/v1/unseal", WORDS, content_type="text/plain")
                        continue
                    answer = client.get(path)
                    if answer.status == 200:
                        assert answer.body == body
                    seen.add(answer.status)
            return seen

        for seen in in_threads(4, work)[1:]:
            self.assertLessEqual(seen, {200, 503})


class Audited(unittest.TestCase):
    def test_each_attempt_is_one_event(self):
        server = Server()
        self.addCleanup(server.remove)
        words = secret_file(server.root, "words", WORDS)
        self.assertEqual(run("init", "--data", server.data, "--passphrase-file", words).returncode, 0)
        before = server.audit()
        server.start()
        with server.client() as client:
            for verb, body, status in (("unseal", "wrong words", 403), ("unseal", WORDS, 204), ("seal", None, 204)):
                answer = client.request("POST", f"/v1/{verb}", body, content_type="text/plain")
                self.assertEqual(answer.status, status)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.audit(), before + 3)


class Setup(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)
        self.words = secret_file(self.server.root, "words", WORDS)
        self.other = secret_file(self.server.root, "other", OTHER)

    def command(self, *arguments, status=0):
        result = run(arguments[0], *([arguments[1]] if arguments[0] == "passphrase" else []), "--data",
                     self.server.data, *arguments[1 + (arguments[0] == "passphrase"):])
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def start(self, *options):
        self.assertIn(self.server.stop(), (None, 0))
        self.server.options = options
        self.server.start()
        return "".join(self.server.output)

    def status(self):
        with self.server.client() as client:
            return client.get("/v1/ready").json["status"]

    def test_with_the_passphrase_in_a_file_it_starts_unsealed(self):
        self.command("init", "--passphrase-file", self.words)
        self.assertIn("Sealed", self.start())
        self.assertEqual(self.status(), "sealed")
        self.start("--passphrase-file", self.words)
        self.assertEqual(self.status(), "ready")
        self.server.stop()
        refused = self.command("serve", "--listen", "127.0.0.1:0", "--passphrase-file", self.other, status=1)
        self.assertIn("does not unlock", refused.stderr)
        self.assertNotIn(OTHER, refused.stderr)

    def test_the_private_key_and_the_passphrase_are_nowhere_in_clear(self):
        self.command("init", "--passphrase-file", self.words)
        for path in glob.glob(os.path.join(self.server.data, "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
                self.assertNotIn(WORDS.encode(), content, path)
                if "kek-" in path:
                    self.assertIn(b"ENCRYPTED PRIVATE KEY", content)

    def test_changing_the_passphrase(self):
        self.command("init", "--passphrase-file", self.words)
        self.command("passphrase", "change", "--passphrase-file", self.other, "--new-passphrase-file", self.other,
                     status=1)
        self.command("passphrase", "change", "--passphrase-file", self.words, "--new-passphrase-file", self.other)
        self.start("--passphrase-file", self.other)
        self.assertEqual(self.status(), "ready")
        # While it runs, and back.
        self.command("passphrase", "change", "--passphrase-file", self.other, "--new-passphrase-file", self.words)
        with self.server.client() as client:
            self.assertEqual(client.request("POST", "/v1/seal").status, 204)
            self.assertEqual(client.request("POST", "/v1/unseal", OTHER, content_type="text/plain").status, 403)
            self.assertEqual(client.request("POST", "/v1/unseal", WORDS, content_type="text/plain").status, 204)

    def test_a_store_in_clear_can_be_locked_later(self):
        self.assertIn("No passphrase protects the KEK", self.start())
        with self.server.client() as client:
            path = client.post(b"before the lock")["Location"]
            self.assertEqual(client.request("POST", "/v1/seal").status, 409)
            self.assertEqual(client.request("POST", "/v1/unseal", WORDS, content_type="text/plain").status, 409)
        self.command("passphrase", "change", "--new-passphrase-file", self.words)
        self.start()
        self.assertEqual(self.status(), "sealed")
        with self.server.client() as client:
            self.assertEqual(client.request("POST", "/v1/unseal", WORDS, content_type="text/plain").status, 204)
            self.assertEqual(client.get(path).body, b"before the lock")

    def test_a_credential_unlocks_beside_a_passphrase(self):
        credential = os.path.join(self.server.root, "credential")
        with open(os.open(credential, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(os.urandom(32))
        self.command("init", "--credential", "--credential-file", credential, "--passphrase-file", self.words)
        self.start("--credential-file", credential)
        self.assertEqual(self.status(), "ready")
        self.start("--passphrase-file", self.words)
        self.assertEqual(self.status(), "ready")
        # As systemd hands it over.
        directory = os.path.join(self.server.root, "credentials")
        os.mkdir(directory, 0o700)
        os.rename(credential, os.path.join(directory, "coffer-unlock"))
        os.environ["CREDENTIALS_DIRECTORY"] = directory
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY")
        self.start()
        self.assertEqual(self.status(), "ready")

    def test_a_node_that_only_takes_records_in(self):
        refused = self.command("serve", "--listen", "127.0.0.1:0", "--ingest-only", status=1)
        self.assertIn("coffer init", refused.stderr)
        shutil.rmtree(self.server.data)
        self.command("init", "--passphrase-file", self.words)
        kek, = glob.glob(os.path.join(self.server.data, "keys", "kek-*.pem"))
        kept = os.path.join(self.server.root, "kek.pem")
        os.rename(kek, kept)
        self.assertIn("Ingest only", self.start("--ingest-only"))
        with self.server.client() as client:
            path = client.post(b"taken in")["Location"]
            self.assertEqual(client.get(path).status, 503)
            self.assertEqual(client.request("POST", "/v1/unseal", WORDS, content_type="text/plain").status, 409)
        self.server.stop()
        missing = self.command("serve", "--listen", "127.0.0.1:0", status=1)
        self.assertIn("--ingest-only", missing.stderr)
        os.rename(kept, kek)
        self.start("--passphrase-file", self.words)
        with self.server.client() as client:
            self.assertEqual(client.get(path).body, b"taken in")

    def test_bad_input(self):
        short = secret_file(self.server.root, "short", "1234567")
        empty = secret_file(self.server.root, "empty", "\n")
        lines = secret_file(self.server.root, "lines", "one\ntwo two two\n")
        open_to_all = secret_file(self.server.root, "open", WORDS)
        os.chmod(open_to_all, 0o644)
        for path, told in ((short, "too short"), (empty, "empty"), (lines, "more than one line"), (open_to_all, "644"),
                           (os.path.join(self.server.root, "none"), "does not exist")):
            result = self.command("init", "--passphrase-file", path, status=1)
            self.assertIn(told, result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1)
            self.assertFalse(os.path.exists(self.server.data))
        self.command("init", status=2)
        self.command("init", "--credential", status=1)
        self.command("init", "--passphrase-file", self.words)
        again = self.command("init", "--passphrase-file", self.words, status=1)
        self.assertIn("nothing was changed", again.stderr)
        for name in ("unlock-passphrase.slot",):
            path = os.path.join(self.server.data, "keys", name)
            with open(path, "rb") as file:
                good = file.read()
            for bad in (good[:-1], b"", b"x" * 93, good[:60] + bytes([good[60] ^ 1]) + good[61:]):
                with open(path, "wb") as file:
                    file.write(bad)
                self.command("serve", "--listen", "127.0.0.1:0", "--passphrase-file", self.words, status=1)
            with open(path, "wb") as file:
                file.write(good)
        self.start("--passphrase-file", self.words)
        self.assertEqual(self.status(), "ready")

    def test_help_of_the_commands(self):
        for command in ("init", "passphrase", "unseal", "seal"):
            result = run(command, "--help")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn(f"usage: coffer {command}", result.stdout)


if __name__ == "__main__":
    unittest.main()
