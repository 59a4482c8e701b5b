"""Partners who have never shared a key meet on a server: coffer, and docs/examples/partner.py, in both directions."""
import base64
import hashlib
import http.server
import json
import os
import pathlib
import pty
import signal
import ssl
import stat
import subprocess
import sys
import threading
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "api"))
from harness import BINARY, Server, run  # pylint: disable=wrong-import-position
from partners import fingerprint, rsa_key, sign  # pylint: disable=wrong-import-position
from Cryptodome.Hash import SHA1  # pylint: disable=wrong-import-position
from primitives import AES, PKCS1_OAEP, RSA, SHA256  # pylint: disable=wrong-import-position

PARTNER = str(ROOT / "docs" / "examples" / "partner.py")
TOLD = "somebody may be in between"


def text(data):
    return data.decode(errors="replace")


class Exchange(unittest.TestCase):
    """A server, and people who each have a directory of their own."""

    options = ()

    def setUp(self):
        self.server = Server(*self.options)
        self.addCleanup(self.server.remove)
        self.server.start()
        self.dir = pathlib.Path(self.server.root)
        self.origin = f"https://127.0.0.1:{self.server.port}"
        self.ca = f"{self.server.data}/tls/ca.pem"

    def home(self, name):
        return str(self.dir / f"home-{name}")

    def coffer(self, name, *arguments, data=b"", status=0):
        """(standard output, standard error) of a command with the profile of `name`."""
        done = subprocess.run([BINARY, *map(str, arguments), "--home", self.home(name)], input=data,
                              capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, status, text(done.stdout + done.stderr))
        for secret in (b"PRIVATE KEY", b"coffer_"):
            self.assertNotIn(secret, done.stdout + done.stderr)
        return done.stdout, text(done.stderr)

    def python(self, *arguments, data=b"", status=0):
        done = subprocess.run(["/usr/bin/python3", PARTNER, *map(str, arguments)], input=data, capture_output=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, status, text(done.stderr))
        return done.stdout

    def invite(self, name):
        path = self.dir / f"invite-{name}"
        made = run("invite", name, "-o", str(path), "--data", self.server.data, "--url", self.origin)
        self.assertEqual((made.returncode, made.stdout, made.stderr), (0, "", ""))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        return path

    def join(self, name, *arguments):
        return self.coffer(name, "join", "--invite-file", self.invite(name), "--bits", 2048, *arguments)

    def python_joins(self, name):
        key = self.dir / f"{name}.pem"
        self.python("keygen", 2048, key, self.dir / f"{name}.pub.pem")
        self.python("join", self.origin, self.ca, name, key, data=self.invite(name).read_bytes())
        return key

    def inbox(self, name):
        listed, _ = self.coffer(name, "inbox", "--json")
        return [json.loads(line) for line in listed.splitlines()]


class Together(Exchange):
    def test_coffer_and_the_script_exchange_messages_in_both_directions(self):
        said, _ = self.join("ann")
        key = self.python_joins("ben")
        self.assertIn(b"ann has joined " + self.origin.encode(), said)
        big = os.urandom(1 << 20)[:-1000]
        for body in (b"", b"from ann\n", big):
            sent, told = self.coffer("ann", "send", "ben", data=body)
            self.assertEqual(len(sent.strip()), 36)
            fetched = self.python("fetch", self.origin, self.ca, "ben", key)
            self.assertEqual(fetched, b"ann: " + body + b"\n")
        self.assertEqual(told, "")
        for body in (b"", b"from ben", big):
            self.python("send", self.origin, self.ca, "ben", key, "ann", data=body)
            (entry,) = self.inbox("ann")
            self.assertEqual((entry["from"], entry["signed"], entry["read"]), ("ben", True, False))
            opened, told = self.coffer("ann", "read", entry["id"], "--ack")
            self.assertEqual(opened, body)
            self.assertIn("signed by ben, whose key is known since the first use", told)
            self.assertEqual(self.inbox("ann"), [])

    def test_first_use_is_told_and_comparing_makes_it_verified(self):
        self.join("ann")
        key = RSA.import_key(self.python_joins("ben").read_bytes())
        listed, _ = self.coffer("ann", "partners")
        self.assertEqual([line.split() for line in text(listed).splitlines()],
                         [["ann", "oneself", fingerprint(self.own("ann"))], ["ben", "new", fingerprint(key)]])
        _, told = self.coffer("ann", "send", "ben", data=b"x")
        self.assertIn(fingerprint(key), told)
        self.assertIn("known by this key from now on", told)
        _, told = self.coffer("ann", "send", "ben", data=b"x")
        self.assertEqual(told, "")
        shown, _ = self.coffer("ann", "partners", "ben")
        lines = text(shown).splitlines()
        self.assertEqual((lines[0].split(",")[0], lines[1]), ("ben: known", fingerprint(key)))
        self.assertEqual(b"".join(int(group).to_bytes(2, "big") for group in " ".join(lines[2:]).split()).hex(),
                         fingerprint(key))
        _, told = self.coffer("ann", "accept", "ben", "--fingerprint", "0" * 64, status=1)
        self.assertIn("another key", told)
        self.coffer("ann", "accept", "ben", "--fingerprint", fingerprint(key))
        self.assertIn(b"ben: verified", self.coffer("ann", "partners", "ben")[0])
        row = {"name": "ben", "known": "verified", "fingerprint": fingerprint(key)}
        self.assertEqual(json.loads(self.coffer("ann", "partners", "ben", "--json")[0]), row)
        self.assertEqual([json.loads(line) for line in self.coffer("ann", "partners", "--json")[0].splitlines()],
                         [{**row, "name": "ann", "known": "oneself", "fingerprint": fingerprint(self.own("ann"))}, row])

    def own(self, name):
        return RSA.import_key(pathlib.Path(self.home(name), "key.pem").read_bytes())

    def change_key(self, name, old, new):
        proof = f"coffer-key-v1\n{self.origin}\n{name}\n{fingerprint(old)}\n{fingerprint(new)}\n2\n"
        with self.server.client(token=None) as client:
            self.assertEqual(client.put(
                f"/v1/keys/{name}", new.public_key().export_key(), coffer_key_signature=sign(new, proof),
                coffer_old_key_signature=sign(old, proof)).status, 200)

    def test_a_session_ends_with_the_keys_that_it_was_begun_under(self):
        self.join("ann")
        self.join("ben")
        self.coffer("ann", "send", "ben", data=b"begins")
        (entry,) = self.inbox("ben")
        self.coffer("ben", "read", entry["id"])
        for body in (b"in time", b"late"):
            self.coffer("ben", "send", "ann", "--session", data=body)
        first, second = self.inbox("ann")
        self.assertEqual(self.coffer("ann", "read", first["id"])[0], b"in time")
        self.change_key("ben", self.own("ben"), rsa_key(4))
        self.coffer("ann", "accept", "ben", "--fingerprint", fingerprint(rsa_key(4)))
        # Signed by the old key, it is by a stranger; whether it is signed is the server's word, though.
        self.assertIn(TOLD, self.coffer("ann", "read", second["id"], status=3)[1])
        self.assertIn("no message with ben", self.coffer("ann", "send", "ben", "--session", data=b"x", status=1)[1])

    def test_a_changed_key_is_a_wall(self):
        self.join("ann")
        old_path = self.python_joins("ben")
        self.coffer("ann", "send", "ben", data=b"to the old key")
        old, new = RSA.import_key(old_path.read_bytes()), rsa_key(4)
        self.python("send", self.origin, self.ca, "ben", old_path, "ann", data=b"by the old key")
        self.change_key("ben", old, new)
        new_path = self.dir / "new.pem"
        new_path.write_bytes(new.export_key())
        for arguments in (("send", "ben"), ("send", "ben", "--session")):
            out, told = self.coffer("ann", *arguments, data=b"secret", status=3)
            self.assertEqual(out, b"")
            for part in (TOLD, fingerprint(old), fingerprint(new),
                         f"coffer accept ben --fingerprint {fingerprint(new)} --home {self.home('ann')}\n"):
                self.assertIn(part, told)
        self.assertEqual(self.python("fetch", self.origin, self.ca, "ben", new_path, status=1), b"")
        self.assertIn(b"CHANGED", self.coffer("ann", "partners")[0])
        self.python("send", self.origin, self.ca, "ben", new_path, "ann", data=b"by the new key")
        first, second = self.inbox("ann")
        self.assertEqual(self.coffer("ann", "read", first["id"])[0], b"by the old key")
        self.assertIn(TOLD, self.coffer("ann", "read", second["id"], status=3)[1])
        self.coffer("ann", "accept", "ben", "--fingerprint", fingerprint(new))
        opened, told = self.coffer("ann", "read", second["id"])
        self.assertEqual(opened, b"by the new key")
        self.assertIn("signed by ben, whose key is verified", told)
        # Once the new key is accepted the old one's message is by a stranger.
        self.assertIn(TOLD, self.coffer("ann", "read", first["id"], status=3)[1])

    def test_sessions_continue_in_both_directions_and_only_forward(self):
        self.join("ann")
        self.join("ben")
        self.assertIn("there is no message with ben to continue",
                      self.coffer("ann", "send", "ben", "--session", data=b"x", status=1)[1])
        self.coffer("ann", "send", "ben", data=b"begins")
        (entry,) = self.inbox("ben")
        # Not before ben has read what begins it.
        self.assertIn("no message with ann", self.coffer("ben", "send", "ann", "--session", data=b"x", status=1)[1])
        self.coffer("ann", "send", "ben", "--session", data=b"second")
        late = self.inbox("ben")[1]
        self.assertIn("continues one", self.coffer("ben", "read", late["id"], status=1)[1])
        self.coffer("ben", "read", entry["id"])
        self.coffer("ann", "send", "ben", "--session", data=b"third")
        self.coffer("ben", "send", "ann", "--session", data=b"answer")
        _, second, third = self.inbox("ben")
        self.assertEqual(second["media_type"], "application/vnd.coffer.session")
        opened, told = self.coffer("ben", "read", third["id"])
        self.assertEqual(opened, b"third")
        self.assertIn("continues the session with ann", told)
        self.assertIn("counter has not risen", self.coffer("ben", "read", second["id"], status=1)[1])
        # What was read may be read again, and is marked.
        opened, told = self.coffer("ben", "read", third["id"])
        self.assertEqual(opened, b"third")
        self.assertIn("was read before", told)
        (answer,) = self.inbox("ann")
        self.assertEqual(self.coffer("ann", "read", answer["id"])[0], b"answer")
        self.check_session_bytes(answer["id"])

    def on_terminal(self, name, *arguments):
        """(status, what a terminal shows) of a command whose standard output it is."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        with open(slave, "wb", buffering=0) as terminal:
            done = subprocess.run([BINARY, *arguments, "--home", self.home(name)], stdin=subprocess.DEVNULL,
                                  stdout=terminal, stderr=subprocess.PIPE, timeout=120, check=False)
            os.set_blocking(master, False)
            try:
                shown = os.read(master, 65536)
            except BlockingIOError:
                shown = b""
        return done.returncode, shown.replace(b"\r\n", b"\n"), text(done.stderr)

    def test_a_terminal_is_shown_text_only_and_what_it_was_not_shown_is_still_there(self):
        self.join("ann")
        self.join("ben")
        words, noise = "\u00c4rzte \u0437\u0434\n".encode(), b"\x1b]0;owned\x07\xff"
        self.coffer("ann", "send", "ben", data=noise)
        (entry,) = self.inbox("ben")
        for output in ((), ("-o", "-")):
            status, shown, told = self.on_terminal("ben", "read", entry["id"], *output)
            self.assertEqual((status, shown), (1, b""))
            self.assertIn("no plain text", told)
        self.assertEqual(self.coffer("ben", "read", entry["id"])[0], noise)
        self.coffer("ann", "send", "ben", "--session", data=noise)
        self.coffer("ann", "send", "ben", "--session", data=words)
        _, second, third = self.inbox("ben")
        self.assertEqual(self.on_terminal("ben", "read", second["id"])[:2], (1, b""))
        self.assertEqual(self.coffer("ben", "read", second["id"])[0], noise)
        self.assertEqual(self.on_terminal("ben", "read", third["id"])[:2], (0, words))

    def test_reading_again_does_not_begin_the_counters_of_a_session_anew(self):
        self.join("ann")
        self.join("ben")
        self.coffer("ann", "send", "ben", data=b"begins")
        (entry,) = self.inbox("ben")
        self.coffer("ben", "read", entry["id"])
        self.coffer("ben", "send", "ann", "--session", data=b"1")
        for path in pathlib.Path(self.home("ben"), "seen").iterdir():
            path.unlink()  # as when the power failed before it was written
        self.coffer("ben", "read", entry["id"])
        self.coffer("ben", "send", "ann", "--session", data=b"2")
        for entry, body in zip(self.inbox("ann"), (b"1", b"2")):
            self.assertEqual(self.coffer("ann", "read", entry["id"])[0], body)

    def test_a_message_is_read_before_the_profile_is_locked(self):
        self.join("ann")
        self.join("ben")
        with subprocess.Popen([BINARY, "send", "ben", "--home", self.home("ann")], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            process.stdin.write(bytes(1 << 17))  # more than a pipe holds: it is being read
            self.coffer("ann", "partners")
            process.stdin.close()
            self.assertEqual(len(process.stdout.read().strip()), 36)
        self.assertEqual(process.returncode, 0)

    def test_what_the_server_did_not_take_is_not_continued(self):
        self.join("ann")
        self.join("ben")
        self.coffer("ann", "send", "ben", data=b"begins")
        (entry,) = self.inbox("ben")
        self.coffer("ben", "read", entry["id"])
        self.assertIn("413", self.coffer("ann", "send", "ben", data=bytes(1 << 20), status=1)[1])
        self.coffer("ann", "send", "ben", "--session", data=b"goes on")
        self.assertEqual(self.coffer("ben", "read", self.inbox("ben")[1]["id"])[0], b"goes on")

    def check_session_bytes(self, message_id):
        """PyCryptodome opens what coffer made, by FORMATS alone."""
        home = pathlib.Path(self.home("ann"))
        (path,) = [p for p in (home / "sessions").iterdir()]
        kept = json.loads(path.read_bytes())
        token = (home / "token").read_text(encoding="ascii").strip()
        with self.server.client(token=token) as client:
            sealed = client.get(f"/v1/mailboxes/ann/messages/{message_id}").body
        header = (b"coffer-session-v1" + bytes.fromhex(path.stem) + bytes.fromhex(kept["theirs"])
                  + bytes.fromhex(kept["own"]) + sealed[:8])
        cipher = AES.new(base64.b64decode(kept["key"]), AES.MODE_EAX, nonce=sealed[8:24])
        cipher.update(header)
        self.assertEqual(cipher.decrypt_and_verify(sealed[40:], sealed[24:40]), b"answer")

    def test_unsigned_messages_and_repeats_are_called_so(self):
        self.join("ann")
        key = self.own("ann")
        aes_key = os.urandom(32)
        cipher = AES.new(aes_key, AES.MODE_EAX)
        ciphertext, tag = cipher.encrypt_and_digest(b"who am I?")
        sealed = PKCS1_OAEP.new(key.public_key()).encrypt(aes_key) + cipher.nonce + tag + ciphertext
        with self.server.client() as admin:
            for _ in range(2):
                self.assertEqual(admin.request("POST", "/v1/mailboxes/ann/messages", sealed).status, 201)
            self.assertEqual(admin.request("POST", "/v1/mailboxes/ann/messages", os.urandom(400)).status, 201)
        first, second, noise = self.inbox("ann")
        self.assertEqual((first["from"], first["signed"]), ("admin", False))
        opened, told = self.coffer("ann", "read", first["id"])
        self.assertEqual(opened, b"who am I?")
        self.assertIn("not signed", told)
        self.assertIn("A REPEAT", self.coffer("ann", "read", second["id"])[1])
        self.assertTrue(self.inbox("ann")[0]["read"])
        out, told = self.coffer("ann", "read", noise["id"], status=1)
        self.assertEqual((out, told), (b"", "coffer: the message cannot be opened: it is not for this key, or not "
                                            "whole\n"))
        self.assertIn("there is no message", self.coffer("ann", "read", "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
                                                         status=1)[1])

    def test_follow_tells_what_comes_across_a_restart_and_ends_when_told(self):
        self.join("ann")
        self.join("ben")
        process = subprocess.Popen([BINARY, "inbox", "--follow", "--json", "--home", self.home("ann")],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        self.coffer("ben", "send", "ann", data=b"1")
        self.assertEqual(json.loads(process.stdout.readline())["from"], "ben")
        self.server.options = (*self.server.options, "--listen", f"127.0.0.1:{self.server.port}")
        self.server.stop()
        self.server.start()
        self.coffer("ben", "send", "ann", data=b"2")
        self.assertEqual(json.loads(process.stdout.readline())["from"], "ben")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0, text(process.stderr.read()))

    def test_files_are_their_owners_alone(self):
        self.join("ann")
        self.join("ben")
        self.coffer("ann", "send", "ben", data=b"x")
        for folder, _, files in os.walk(self.home("ann")):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in files:
                mode = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
                self.assertEqual(mode, 0o644 if name == "key.pub.pem" else 0o600, name)
        key = pathlib.Path(self.home("ann"), "key.pem")
        key.chmod(0o644)
        self.coffer("ann", "logout")
        self.assertIn("key.pem", self.coffer("ann", "login", status=1)[1])

    def test_a_locked_key_and_an_own_one(self):
        words = self.dir / "words"
        words.write_bytes(b"correct horse battery\n")
        words.chmod(0o600)
        self.join("ann", "--passphrase-file", words)
        self.assertIn(b"ENCRYPTED", pathlib.Path(self.home("ann"), "key.pem").read_bytes())
        self.coffer("ann", "logout")
        self.assertIn("--passphrase-file", self.coffer("ann", "login", status=1)[1])
        self.coffer("ann", "login", "--passphrase-file", words)
        own = self.dir / "own.pem"
        own.write_bytes(rsa_key(5).export_key())
        own.chmod(0o600)
        said, _ = self.coffer("ben", "join", "--invite-file", self.invite("ben"), "--key", own)
        self.assertIn(fingerprint(rsa_key(5)), text(said))
        self.assertFalse(pathlib.Path(self.home("ben"), "key.pem").exists())
        self.coffer("ben", "send", "ann", data=b"mine")


class Joining(Exchange):
    def test_what_does_not_fit_is_refused_before_anything_is_sent(self):
        invite = self.invite("ann")
        wrong = json.loads(base64.urlsafe_b64decode(invite.read_text().split(".")[1].strip() + "=="))
        for changes, words in (({"ca": "0" * 64}, "NOT the server that was meant"),
                               ({"origin": "http://127.0.0.1:1"}, "no invite"), ({"secret": "x"}, "no invite"),
                               ({"name": "a b"}, "no invite")):
            path = self.dir / "wrong"
            members = json.dumps({**wrong, **changes}).encode()
            path.write_bytes(b"coffer-invite-v1." + base64.urlsafe_b64encode(members).rstrip(b"="))
            with self.subTest(words):
                self.assertIn(words, self.coffer("eve", "join", "--invite-file", path, "--bits", 2048, status=1)[1])
        self.assertIn("invite is for ann", self.coffer("eve", "join", "--name", "eve", "--invite-file", invite,
                                                       status=1)[1])
        self.assertIn("invite is for ann", self.coffer("eve", "join", "https://localhost:1", "--invite-file", invite,
                                                       status=1)[1])
        self.assertIn("which server", self.coffer("eve", "join", status=1)[1])
        self.assertIn("coffer join makes one", self.coffer("nobody", "login", status=1)[1])
        self.coffer("ann", "join", "--invite-file", invite, "--bits", 2048)
        self.assertIn("has joined", self.coffer("ann", "join", "--invite-file", invite, status=1)[1])
        self.assertIn("invite", self.coffer("bob", "join", self.origin, "--name", "bob", "--ca", self.ca, "--bits", 2048,
                                            status=1)[1])
        self.assertIn("not trusted", self.coffer("dan", "join", self.origin, "--name", "dan", "--bits", 2048,
                                                 status=1)[1])

    def test_it_goes_on_after_it_was_cut_short(self):
        invite = self.invite("ann")
        self.coffer("ann", "join", "--invite-file", invite, "--bits", 2048)
        profile = pathlib.Path(self.home("ann"), "profile.json")
        kept = json.loads(profile.read_bytes())
        profile.write_text(json.dumps({**kept, "joined": False}), encoding="ascii")
        self.assertIn("run coffer join again", self.coffer("ann", "inbox", status=1)[1])
        self.coffer("ann", "join", "--invite-file", invite, "--bits", 2048)
        self.coffer("ann", "inbox")

    def test_after_logging_out_and_after_a_restart_commands_log_in_again(self):
        self.join("ann")
        token = pathlib.Path(self.home("ann"), "token")
        first = token.read_bytes()
        self.coffer("ann", "logout")
        self.assertFalse(token.exists())
        with self.server.client(token=first.decode().strip()) as client:
            self.assertEqual(client.get("/v1/keys").status, 401)
        self.coffer("ann", "inbox")
        self.assertTrue(token.exists())
        self.coffer("ann", "inbox")
        token.write_bytes(first)
        self.coffer("ann", "inbox")
        self.assertNotEqual(token.read_bytes(), first)


class Large(Exchange):
    options = ("--message-max", "64MiB", "--body-memory", "256MiB")

    def test_the_largest_message_is_sent_and_read(self):
        self.join("ann")
        body = bytes((64 << 20) - 256 - 32)
        self.coffer("ann", "send", "ann", data=body)
        (entry,) = self.inbox("ann")
        self.assertEqual(hashlib.sha256(self.coffer("ann", "read", entry["id"])[0]).digest(),
                         hashlib.sha256(body).digest())


class Open(Exchange):
    options = ("--open-enrollment",)

    def test_a_class_joins_by_name(self):
        with open(self.ca, encoding="ascii") as file:
            der = base64.b64decode("".join(file.read().split("-----")[2].split()))
        print_ = hashlib.sha256(der).hexdigest()
        self.coffer("ann", "join", self.origin, "--name", "Ann", "--ca-fingerprint", print_.upper(), "--bits", 2048)
        self.coffer("ben", "join", self.origin + "/", "--name", "ben", "--ca", self.ca, "--bits", 2048)
        self.coffer("ann", "send", "BEN", data=b"hello")
        (entry,) = self.inbox("ben")
        self.assertEqual((self.coffer("ben", "read", entry["id"])[0], entry["from"]), (b"hello", "ann"))
        told = self.coffer("eve", "join", self.origin, "--name", "ann", "--ca", self.ca, "--bits", 2048, status=1)[1]
        self.assertIn("403", told)
        self.assertIn("NOT the server", self.coffer("dan", "join", self.origin, "--name", "dan", "--ca-fingerprint",
                                                    "0" * 64, status=1)[1])


class Hostile(Exchange):
    """The tool against a server that lies: the real one's certificate, and answers of the test's."""

    def setUp(self):
        super().setUp()
        self.join("ann")
        self.key = RSA.import_key(pathlib.Path(self.home("ann"), "key.pem").read_bytes())
        port = self.server.port
        self.server.stop()
        test = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                test.asked.append((self.command, self.path, body))
                path, _, query = self.path.partition("?")
                status, headers, reply = test.replies.get((self.command, path), (404, {}, b"{}"))
                if callable(reply):
                    reply = json.dumps(reply(dict(urllib.parse.parse_qsl(query)))).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.asked, self.replies = [], {}
        self.fake = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.fake.handle_error = lambda *_: None  # the tool hangs up when it is told to stop
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.server.data}/tls/server.pem", f"{self.server.data}/tls/server.key")
        self.fake.socket = context.wrap_socket(self.fake.socket, server_side=True)
        thread = threading.Thread(target=self.fake.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.fake.server_close)
        self.addCleanup(self.fake.shutdown)

    def challenge(self, sealed, message_id="01a20b8f-32d4-75f1-b165-537531cefebe"):
        self.replies["POST", "/v1/login"] = (201, {}, json.dumps({
            "id": message_id, "account": "ann", "challenge": base64.b64encode(sealed).decode(),
            "fingerprint": fingerprint(self.key), "expires": "2026-01-01T00:00:00.000Z"}).encode())
        self.replies["POST", f"/v1/login/{message_id}"] = (201, {}, json.dumps({
            "token": "coffer_" + "A" * 43, "account": "ann", "expires": "2026-01-01T00:00:00.000Z",
            "idle_seconds": 900}).encode())

    def label(self, origin, name="ann", message_id="01a20b8f-32d4-75f1-b165-537531cefebe"):
        return f"coffer-login-v1\n{origin}\n{name}\n{message_id}".encode()

    def sealed(self, plaintext, label=b"", hash_=SHA256):
        return PKCS1_OAEP.new(self.key.public_key(), hashAlgo=hash_, label=label).encrypt(plaintext)

    def test_only_a_challenge_of_the_origin_that_was_dialled_is_answered(self):
        self.challenge(self.sealed(os.urandom(32), self.label(self.origin)))
        self.coffer("ann", "login")
        self.assertEqual(self.asked[-1][1][:10], "/v1/login/")
        aes_key = os.urandom(32)
        stored = PKCS1_OAEP.new(self.key.public_key()).encrypt(aes_key)  # how a message begins that somebody stored
        wrong = {
            "a stored message": stored,
            "no label": self.sealed(os.urandom(32)),
            "another origin": self.sealed(os.urandom(32), self.label("https://evil.example")),
            "another account": self.sealed(os.urandom(32), self.label(self.origin, "ben")),
            "another challenge": self.sealed(os.urandom(32), self.label(self.origin, message_id="0" * 36)),
            "SHA-1": self.sealed(os.urandom(32), self.label(self.origin), hash_=SHA1),
            "31 bytes": self.sealed(os.urandom(31), self.label(self.origin)),
            "33 bytes": self.sealed(os.urandom(33), self.label(self.origin)),
            "noise": os.urandom(256), "short": os.urandom(255), "empty": b"",
        }
        for name, sealed in wrong.items():
            with self.subTest(name):
                self.asked.clear()
                self.challenge(sealed)
                out, told = self.coffer("ann", "login", status=1)
                self.assertEqual(out, b"")
                self.assertIn("logging in", told)
                self.assertEqual([path for _, path, _ in self.asked], ["/v1/login"])

    def message(self, plaintext, signer=None, **headers):
        aes_key = os.urandom(16)
        cipher = AES.new(aes_key, AES.MODE_EAX)
        ciphertext, tag = cipher.encrypt_and_digest(plaintext)
        sealed = PKCS1_OAEP.new(self.key.public_key()).encrypt(aes_key) + cipher.nonce + tag + ciphertext
        fields = {"Coffer-Sender": "ben", "Coffer-Fingerprint": fingerprint(self.key)}
        if signer:
            statement = (f"coffer-message-v1\n{fingerprint(signer)}\n{fingerprint(self.key)}\n"
                         f"{hashlib.sha256(sealed).hexdigest()}\n")
            fields.update({"Coffer-Sender-Fingerprint": fingerprint(signer), "Coffer-Signature": sign(signer, statement)})
        path = "/v1/mailboxes/ann/messages/01a20b8f-32d4-75f1-b165-537531cefebe"
        self.replies["GET", path] = (200, {**fields, **headers}, sealed)
        return path.rsplit("/", 1)[1]

    def test_a_server_that_changes_a_key_or_a_signature_opens_nothing(self):
        ben, eve = rsa_key(0), rsa_key(1)
        self.replies["GET", "/v1/keys/ben"] = (200, {}, ben.public_key().export_key())
        message = self.message(b"from ben", ben)
        opened, told = self.coffer("ann", "read", message)
        self.assertEqual(opened, b"from ben")
        self.assertIn("signed by ben", told)
        # Another key for the known name, with a signature that fits it.
        self.replies["GET", "/v1/keys/ben"] = (200, {}, eve.public_key().export_key())
        message = self.message(b"from eve", eve)
        out, told = self.coffer("ann", "read", message, status=3)
        self.assertEqual(out, b"")
        self.assertIn(TOLD, told)
        # The known key claimed, and a signature that is not its.
        message = self.message(b"from eve", eve, **{"Coffer-Sender-Fingerprint": fingerprint(ben)})
        out, told = self.coffer("ann", "read", message, status=1)
        self.assertEqual(out, b"")
        self.assertIn("SIGNATURE DOES NOT FIT", told)
        opened, told = self.coffer("ann", "read", message, "--unverified")
        self.assertEqual(opened, b"from eve")
        self.assertIn("anyone may have written this", told)
        # No session begins with what nobody vouched for.
        self.assertEqual(len(os.listdir(os.path.join(self.home("ann"), "sessions"))), 1)
        self.assertEqual(self.coffer("ann", "send", "ben", data=b"secret", status=3)[0], b"")
        self.assertFalse(any(method == "POST" and "mailboxes" in path for method, path, _ in self.asked))

    def test_a_server_that_passes_off_another_key_as_ones_own_is_not_believed(self):
        eve = rsa_key(1)
        message = self.message(b"to myself", self.key, **{"Coffer-Sender": "ann"})
        self.replies["GET", "/v1/keys/ann"] = (200, {}, eve.public_key().export_key())
        for command in (("send", "ann"), ("read", message)):
            out, told = self.coffer("ann", *command, data=b"secret", status=3)
            self.assertEqual(out, b"")
            self.assertIn(f"for ann, which is you: {fingerprint(eve)}", told)
        self.assertFalse(any(method == "POST" and "mailboxes" in path for method, path, _ in self.asked))
        # Whatever was believed before one's own key was looked at.
        self.coffer("ann", "accept", "ann", "--fingerprint", fingerprint(eve))
        self.assertEqual(self.coffer("ann", "send", "ann", data=b"secret", status=3)[0], b"")
        self.replies["GET", "/v1/keys/ann"] = (200, {}, self.key.public_key().export_key())
        self.replies["POST", "/v1/mailboxes/ann/messages"] = (201, {}, json.dumps({"id": message}).encode())
        self.coffer("ann", "send", "ann", data=b"secret")
        opened, told = self.coffer("ann", "read", message)
        self.assertEqual(opened, b"to myself")
        self.assertIn("signed by ann, whose key is verified", told)

    def pages(self, member, key, rows):
        """Answers a list as the server does: `limit` of the rows behind `after`."""
        def answer(query):
            begin = next((i + 1 for i, row in enumerate(rows) if row[key] == query.get("after")), 0)
            page = rows[begin:begin + min(int(query["limit"]), 1000)]
            return {member: page, **({"next": page[-1][key]} if begin + len(page) < len(rows) else {})}
        return 200, {}, answer

    def test_long_lists_of_the_longest_rows_are_read_whole(self):
        when, hex_ = "2026-01-01T00:00:00.000Z", "a" * 64
        messages = [{"id": f"01a20b8f-32d4-75f1-b165-{i:012x}", "to": "ann", "from": "b" * 64, "received": when,
                     "expires": when, "size": 1 << 20, "media_type": "application/vnd.coffer.session", "sha256": hex_,
                     "recipient_fingerprint": hex_, "sender_fingerprint": hex_, "session": hex_,
                     "signature": base64.b64encode(bytes(1024)).decode()} for i in range(205)]
        self.replies["GET", "/v1/mailboxes/ann/messages"] = self.pages("messages", "id", messages)
        self.assertEqual([entry["id"] for entry in self.inbox("ann")], [row["id"] for row in messages])
        keys = [{"name": f"n{i:063}", "fingerprint": hex_, "sequence": 2 ** 53 - 1, "bits": 8192, "created": when}
                for i in range(1005)]
        self.replies["GET", "/v1/keys"] = self.pages("keys", "name", keys)
        listed = text(self.coffer("ann", "partners")[0]).splitlines()
        self.assertEqual([line.split()[0] for line in listed], [row["name"] for row in keys])

    def row(self, number, **members):
        return {"id": f"01a20b8f-32d4-75f1-b165-{number:012x}", "from": "ben", "received": "2026-01-01T00:00:00.000Z",
                "size": 1, "media_type": "application/vnd.coffer.message", "sha256": "0" * 64, **members}

    def test_a_list_that_does_not_go_on_ends(self):
        path, name = "/v1/mailboxes/ann/messages", {"name": "ben", "fingerprint": "0" * 64}
        for rows in ([self.row(1)], [self.row(2), self.row(1)], [self.row(1), self.row(1)]):
            self.replies["GET", path] = (200, {}, json.dumps({"messages": rows, "next": rows[-1]["id"]}).encode())
            self.assertIn("does not go on", self.coffer("ann", "inbox", status=1)[1])
        self.replies["GET", path] = (200, {}, json.dumps({"messages": [], "next": self.row(1)["id"]}).encode())
        self.coffer("ann", "inbox")
        self.replies["GET", "/v1/keys"] = (200, {}, json.dumps({"keys": [name], "next": "ben"}).encode())
        self.assertIn("not what a coffer server says", self.coffer("ann", "partners", status=1)[1])

    def test_a_server_that_does_not_let_wait_is_not_asked_all_the_time(self):
        asked = []
        later = threading.Event()

        def answer(_):
            asked.append(1)
            return {"messages": [self.row(1)] if later.is_set() else []}

        self.replies["GET", "/v1/mailboxes/ann/messages"] = (200, {}, answer)
        timer = threading.Timer(2, later.set)
        timer.start()
        self.addCleanup(timer.cancel)
        with subprocess.Popen([BINARY, "inbox", "--follow", "--home", self.home("ann")],
                              stdout=subprocess.PIPE) as process:
            self.assertIn(b"ben", process.stdout.readline())
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(20), 0)
        self.assertLess(len(asked), 20)

    def test_a_refused_token_is_asked_for_once(self):
        self.challenge(self.sealed(os.urandom(32), self.label(self.origin)))
        self.replies["GET", "/v1/keys"] = (401, {}, b"{}")
        self.assertIn("401", self.coffer("ann", "partners", status=1)[1])
        self.assertEqual([path.split("?")[0] for _, path, _ in self.asked].count("/v1/keys"), 2)
        self.assertEqual([path for _, path, _ in self.asked].count("/v1/login"), 1)

    def test_nobody_is_followed_to_another_server(self):
        for status in (301, 302, 307, 308):
            self.replies["GET", "/v1/keys"] = (status, {"Location": "https://localhost:1/v1/keys"}, b"")
            self.assertIn(str(status), self.coffer("ann", "partners", status=1)[1])

    def test_who_learned_an_old_key_cannot_go_on_with_its_sessions(self):
        ben, new = rsa_key(0), rsa_key(4)
        self.replies["GET", "/v1/keys/ben"] = (200, {}, ben.public_key().export_key())
        first = self.message(b"begins", ben)
        self.coffer("ann", "read", first)
        begun = hashlib.sha256(self.replies["GET", f"/v1/mailboxes/ann/messages/{first}"][2]).hexdigest()
        kept = json.loads(pathlib.Path(self.home("ann"), "sessions", f"{begun}.json").read_bytes())

        def go_on(counter):
            number = counter.to_bytes(8, "big")
            cipher = AES.new(base64.b64decode(kept["key"]), AES.MODE_EAX)
            cipher.update(b"coffer-session-v1" + bytes.fromhex(begun) + bytes.fromhex(fingerprint(ben))
                          + bytes.fromhex(fingerprint(self.key)) + number)
            ciphertext, tag = cipher.encrypt_and_digest(b"goes on")
            path = f"/v1/mailboxes/ann/messages/{first}"
            self.replies["GET", path] = (200, {"Coffer-Sender": "ben", "Coffer-Session": begun},
                                         number + cipher.nonce + tag + ciphertext)

        for counter in (1, 2 ** 53 + 1, 2 ** 64 - 2):
            go_on(counter)
            self.assertEqual(self.coffer("ann", "read", first)[0], b"goes on")
        self.replies["GET", "/v1/keys/ben"] = (200, {}, new.public_key().export_key())
        self.coffer("ann", "accept", "ben", "--fingerprint", fingerprint(new))
        go_on(2 ** 64 - 1)
        self.assertIn("no longer ben's", self.coffer("ann", "read", first, status=1)[1])

    def test_only_the_certificate_that_was_named_is_trusted(self):
        """Whoever is in between may show the right CA, and smuggle one of their own behind or before it."""
        right = pathlib.Path(self.ca).read_text(encoding="ascii")
        print_ = hashlib.sha256(ssl.PEM_cert_to_DER_cert(right)).hexdigest()
        other = pathlib.Path(self.server.data, "tls", "server.pem").read_text(encoding="ascii")
        named = other.replace(" CERTIFICATE-", " X509 CERTIFICATE-")
        for number, shown in enumerate((right + named, named + right, right + other, right + "\0" + other)):
            with self.subTest(number):
                self.replies["GET", "/v1/ca"] = (200, {}, shown.encode())
                name = f"dan-{number}"
                self.coffer(name, "join", self.origin, "--name", "dan", "--ca-fingerprint", print_, "--bits", 2048,
                            status=1)
                kept = pathlib.Path(self.home(name), "ca.pem")
                if "\0" in shown:
                    self.assertFalse(kept.exists())
                else:
                    self.assertEqual(kept.read_text(encoding="ascii").split(), right.split())
        self.replies["GET", "/v1/ca"] = (200, {}, (other + right).encode())
        self.assertIn("NOT the server", self.coffer("dan", "join", self.origin, "--name", "dan", "--ca-fingerprint",
                                                    print_, status=1)[1])
        self.assertFalse(pathlib.Path(self.home("dan"), "ca.pem").exists())

    def test_what_a_server_says_cannot_command_a_terminal(self):
        evil = "\x1b]0;owned\x07\x1b[2J"
        self.replies["GET", "/v1/mailboxes/ann/messages"] = (500, {}, json.dumps(
            {"title": evil, "detail": evil}).encode())
        _, told = self.coffer("ann", "inbox", status=1)
        self.assertNotIn("\x1b", told)
        for row in ({"id": evil}, {"from": evil}, {"from": "../../x"}, {"sha256": "../x"}):
            entry = {**self.row(1), "received": evil, "media_type": evil, **row}
            self.replies["GET", "/v1/mailboxes/ann/messages"] = (200, {}, json.dumps({"messages": [entry]}).encode())
            out, told = self.coffer("ann", "inbox", status=1)
            self.assertNotIn("\x1b", text(out) + told)
        for answer in (b"", b"[]", b"{", b'{"messages":7}', b"\xff" * 10):
            self.replies["GET", "/v1/mailboxes/ann/messages"] = (200, {}, answer)
            self.assertIn("not what a coffer server says", self.coffer("ann", "inbox", status=1)[1])


if __name__ == "__main__":
    unittest.main()
