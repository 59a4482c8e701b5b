"""Messages between coffer and PyCryptodome, both ways: what partners exchange without a server."""
import base64
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from primitives import AES, PKCS1_OAEP, RSA

ROOT = pathlib.Path(__file__).resolve().parents[2]
COFFER = os.environ.get("COFFER_BINARY", str(ROOT / "build/release/coffer"))
PARTNER = str(ROOT / "docs/examples/partner.py")
REFUSED = b"coffer: the message cannot be opened: it is not for this key, or not whole\n"
SIZES = (2048, 3072, 4096)
PASSPHRASE = "correct horse battery"


def run(argv, data=b""):
    return subprocess.run([str(a) for a in argv], input=data, capture_output=True, timeout=120, check=False)


def seal(key, plaintext, aes_size=16):
    aes_key = os.urandom(aes_size)
    cipher = AES.new(aes_key, AES.MODE_EAX)
    ciphertext, tag = cipher.encrypt_and_digest(plaintext)
    return PKCS1_OAEP.new(key).encrypt(aes_key) + cipher.nonce + tag + ciphertext


class Messages(unittest.TestCase):
    """Keys are made once: a coffer pair of 2048 bits, and PyCryptodome's of each size."""

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.dir = pathlib.Path(holder.name)
        cls.keys = {bits: RSA.generate(bits) for bits in SIZES}
        for bits, key in cls.keys.items():
            cls.write(f"py{bits}.pem", key.export_key(pkcs=8))
            cls.write(f"py{bits}.pub.pem", key.public_key().export_key())
        made = run([COFFER, "keygen", "--bits", 2048, "-o", cls.dir / "my.pem"])
        assert made.returncode == 0, made.stderr
        cls.keygen_said = made.stdout.decode().split()
        cls.mine = RSA.import_key((cls.dir / "my.pem").read_bytes())

    @classmethod
    def write(cls, name, data, mode=0o600):
        path = cls.dir / name
        path.write_bytes(data)
        path.chmod(mode)
        return path

    def coffer(self, *argv, data=b""):
        done = run([COFFER, *argv], data)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def refused(self, *argv, data=b"", status=1):
        done = run([COFFER, *argv], data)
        self.assertEqual((done.returncode, done.stdout), (status, b""), done.stderr)
        return done.stderr

    def opened_by_python(self, key, sealed):
        k = key.size_in_bytes()
        aes_key = PKCS1_OAEP.new(key).decrypt(sealed[:k])
        self.assertEqual(len(aes_key), 16)
        cipher = AES.new(aes_key, AES.MODE_EAX, nonce=sealed[k:k + 16])
        return cipher.decrypt_and_verify(sealed[k + 32:], sealed[k + 16:k + 32])

    def test_each_opens_what_the_other_seals(self):
        for bits, key in self.keys.items():
            for plaintext in (b"", b"m", os.urandom(1 << 20)):
                with self.subTest(bits=bits, size=len(plaintext)):
                    sealed = self.coffer("seal", "--to", self.dir / f"py{bits}.pub.pem", data=plaintext)
                    self.assertEqual(len(sealed), bits // 8 + 32 + len(plaintext))
                    self.assertEqual(self.opened_by_python(key, sealed), plaintext)
                    for aes_size in (16, 24, 32):
                        opened = self.coffer("open", "--key", self.dir / f"py{bits}.pem",
                                             data=seal(key, plaintext, aes_size))
                        self.assertEqual(opened, plaintext, aes_size)

    def test_every_form_of_a_private_key_opens(self):
        key = self.keys[2048]
        passphrase = self.write("passphrase", PASSPHRASE.encode() + b"\n")
        forms = {
            "PKCS#1": (key.export_key(), []),
            "PKCS#8": (key.export_key(pkcs=8), []),
            "PKCS#8 locked, AES": (key.export_key(pkcs=8, passphrase=PASSPHRASE,
                                                  protection="PBKDF2WithHMAC-SHA1AndAES256-CBC"), passphrase),
            "PKCS#8 locked, 3DES": (key.export_key(pkcs=8, passphrase=PASSPHRASE,
                                                   protection="PBKDF2WithHMAC-SHA1AndDES-EDE3-CBC"), passphrase),
        }
        for name, (pem, locked) in forms.items():
            with self.subTest(name):
                path = self.write("form.pem", pem)
                extra = ["--passphrase-file", passphrase] if locked else []
                self.assertEqual(self.coffer("open", "--key", path, *extra, data=seal(key, b"in")), b"in")
        wrong = self.write("wrong", b"another passphrase\n")
        self.assertIn(b"does not unlock", self.refused("open", "--key", path, "--passphrase-file", wrong,
                                                       data=seal(key, b"in")))

    def test_every_form_of_a_public_key_seals_and_has_one_fingerprint(self):
        key = self.keys[2048]
        spki = key.public_key().export_key()
        pkcs1 = run(["openssl", "rsa", "-pubin", "-RSAPublicKey_out"], spki).stdout
        certificate = run(["openssl", "req", "-x509", "-new", "-key", self.dir / "py2048.pem", "-subj", "/CN=bob",
                           "-days", "1"]).stdout
        expected = hashlib.sha256(key.public_key().export_key("DER")).hexdigest()
        for name, pem in (("SPKI", spki), ("PKCS#1", pkcs1), ("certificate", certificate)):
            with self.subTest(name):
                path = self.write("public.pem", pem)
                lines = self.coffer("fingerprint", path).decode().splitlines()
                groups = " ".join(lines[1:]).split()
                self.assertEqual(lines[0], expected)
                self.assertEqual(b"".join(int(g).to_bytes(2, "big") for g in groups).hex(), expected)
                self.assertTrue(all(len(g) == 5 for g in groups))
                self.assertEqual(self.opened_by_python(key, self.coffer("seal", "--to", path, data=b"x")), b"x")

    def test_keys_that_are_refused_are_refused_by_name(self):
        private = self.refused("seal", "--to", self.dir / "my.pem")
        self.assertIn(b"PRIVATE key", private)
        ec = run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"]).stdout
        ec_public = run(["openssl", "ec", "-pubout"], ec).stdout
        short = RSA.generate(1024).public_key().export_key()
        for pem, why in ((ec_public, b"not an RSA key"), (short, b"less than 2048 bits"), (b"x", b"neither PEM")):
            self.assertIn(why, self.refused("seal", "--to", self.write("bad.pem", pem)))

    def test_keygen_makes_what_python_reads_and_overwrites_nothing(self):
        self.assertEqual((self.dir / "my.pem").stat().st_mode & 0o777, 0o600)
        public = RSA.import_key((self.dir / "my.pub.pem").read_bytes())
        self.assertEqual((public.n, public.e), (self.mine.n, self.mine.e))
        self.assertEqual(self.keygen_said, [str(self.dir / "my.pub.pem"),
                                            hashlib.sha256(public.export_key("DER")).hexdigest()])
        before = (self.dir / "my.pem").read_bytes(), (self.dir / "my.pub.pem").read_bytes()
        self.assertIn(b"exists", self.refused("keygen", "-o", self.dir / "my.pem"))
        self.assertEqual(before, ((self.dir / "my.pem").read_bytes(), (self.dir / "my.pub.pem").read_bytes()))

    def test_a_locked_key_of_keygen_is_read_by_python_and_by_coffer(self):
        passphrase = self.write("passphrase2", PASSPHRASE.encode() + b"\n")
        path = self.dir / "locked.pem"
        self.coffer("keygen", "--bits", 2048, "--passphrase-file", passphrase, "-o", path)
        self.assertIn(b"ENCRYPTED", path.read_bytes())
        key = RSA.import_key(path.read_bytes(), PASSPHRASE)
        self.assertEqual(self.coffer("open", "--key", path, "--passphrase-file", passphrase, data=seal(key, b"y")),
                         b"y")

    def test_damage_anywhere_is_one_and_the_same_error(self):
        key = self.keys[2048]
        sealed = seal(key, b"twenty bytes of text")
        opening = ["open", "--key", self.dir / "py2048.pem"]
        self.assertEqual(self.coffer(*opening, data=sealed), b"twenty bytes of text")
        damaged = []
        for at in (0, 1, 127, 255, 256, 271, 272, 287, 288, len(sealed) - 1):  # ends and middle of every field
            damaged.append(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1:])
        damaged += [sealed[:size] for size in (0, 1, 255, 256, 272, 287, 288, 289, len(sealed) - 1)]
        damaged += [sealed + b"\0", b"\xff" * len(sealed), b"\0" * len(sealed), seal(self.mine, b"for another")]
        odd = AES.new(b"k" * 16, AES.MODE_EAX)
        body, tag = odd.encrypt_and_digest(b"x")
        damaged.append(PKCS1_OAEP.new(key).encrypt(b"k" * 17) + odd.nonce + tag + body)  # no AES key's size
        for data in damaged:
            self.assertEqual(self.refused(*opening, data=data), REFUSED)

    def test_an_output_file_appears_whole_or_not_at_all(self):
        folder = self.dir / "out"
        folder.mkdir()
        plain, sealed, opened = folder / "plain", folder / "sealed", folder / "opened"
        plain.write_bytes(b"plain")
        self.coffer("seal", "--to", self.dir / "my.pub.pem", "-i", plain, "-o", sealed)
        self.coffer("open", "--key", self.dir / "my.pem", "-i", sealed, "-o", opened)
        self.assertEqual(opened.read_bytes(), b"plain")
        self.assertEqual(opened.stat().st_mode & 0o777, 0o600)
        sealed.write_bytes(sealed.read_bytes()[:-1])
        opened.write_bytes(b"before")
        self.refused("open", "--key", self.dir / "my.pem", "-i", sealed, "-o", opened)
        self.assertEqual(opened.read_bytes(), b"before")
        opened.unlink()
        self.refused("open", "--key", self.dir / "my.pem", "-i", sealed, "-o", opened)
        self.assertEqual(sorted(p.name for p in folder.iterdir()), ["plain", "sealed"])
        self.coffer("seal", "--to", self.dir / "my.pub.pem", "-i", plain, "-o", "/dev/null")
        self.assertTrue(pathlib.Path("/dev/null").is_char_device())

    def test_the_limit_is_on_the_plaintext_both_ways(self):
        exact = os.urandom(1 << 20)
        sealed = self.coffer("seal", "--to", self.dir / "my.pub.pem", "--limit", 1, data=exact)
        self.assertEqual(self.coffer("open", "--key", self.dir / "my.pem", "--limit=1", data=sealed), exact)
        said = self.refused("seal", "--to", self.dir / "my.pub.pem", "--limit", 1, data=exact + b"x")
        self.assertIn(b"more than 1 MiB", said)
        self.refused("seal", "--to", self.dir / "my.pub.pem", "--limit", "0", status=2)

    def test_signatures_verify_with_python_and_openssl_and_back(self):
        sealed = self.write("signed", seal(self.keys[3072], b"text"))
        data = sealed.read_bytes()
        to = self.dir / "py3072.pub.pem"
        signature = self.coffer("sign", "--key", self.dir / "my.pem", "--to", to, "-i", sealed)
        path = self.write("signature", signature)
        verify = ["verify", "--from", self.dir / "my.pub.pem", "--to", to, "--signature", path]
        self.assertEqual(self.coffer(*verify, data=data), b"the signature verifies\n")
        python = run([sys.executable, PARTNER, "verify", self.dir / "my.pub.pem", to, path], data)
        self.assertEqual((python.returncode, python.stderr), (0, b""))

        def fingerprint(key):
            return hashlib.sha256(key.public_key().export_key("DER")).hexdigest()
        text = self.write("text", "".join(line + "\n" for line in (
            "coffer-message-v1", fingerprint(self.mine), fingerprint(self.keys[3072]),
            hashlib.sha256(data).hexdigest())).encode())
        raw = self.write("raw", base64.b64decode(signature))
        padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
        checked = run(["openssl", "dgst", "-sha256", *padding, "-verify", self.dir / "my.pub.pem", "-signature", raw,
                       text])
        self.assertEqual(checked.returncode, 0, checked.stdout)
        made = run(["openssl", "dgst", "-sha256", *padding, "-sign", self.dir / "my.pem", text])
        self.write("signature", base64.b64encode(made.stdout) + b"\n")
        self.coffer(*verify, data=data)
        made = run([sys.executable, PARTNER, "sign", self.dir / "my.pem", to], data)
        self.write("signature", made.stdout)
        self.coffer(*verify, data=data)

    def test_a_signature_is_by_one_for_one_over_one_message(self):
        sealed = seal(self.keys[2048], b"text")
        mine, bob = self.dir / "my.pub.pem", self.dir / "py2048.pub.pem"
        good = self.coffer("sign", "--key", self.dir / "my.pem", "--to", bob, data=sealed)
        path = self.write("signature", good)
        check = ["verify", "--signature", path]
        self.coffer(*check, "--from", mine, "--to", bob, data=sealed)
        for sender, recipient, data in ((bob, bob, sealed), (mine, mine, sealed), (mine, bob, sealed + b"x")):
            said = self.refused(*check, "--from", sender, "--to", recipient, data=data)
            self.assertIn(b"does not verify", said)
        raw = base64.b64decode(good)
        self.write("signature", base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1])))
        self.assertIn(b"does not verify", self.refused(*check, "--from", mine, "--to", bob, data=sealed))
        self.assertIn(b"is not signed", self.refused("sign", "--key", self.dir / "my.pem", "--to", bob,
                                                     data=b"coffer-message-v1\n"))

    def test_inspect_prints_the_layout(self):
        sealed = self.write("inspected", seal(self.keys[3072], b"12345"))
        by_key = self.coffer("inspect", "--to", self.dir / "py3072.pub.pem", sealed).decode()
        self.assertEqual(by_key, self.coffer("inspect", "--bits", 3072, data=sealed.read_bytes()).decode())
        rows = [line.split()[:2] for line in by_key.splitlines()[3:]]
        self.assertEqual(rows, [["0", "384"], ["384", "16"], ["400", "16"], ["416", "5"]])
        self.assertIn("k is not known", self.coffer("inspect", sealed).decode())
        self.assertIn(b"too few", self.refused("inspect", "--bits", 4096, sealed))

    def test_help_is_on_standard_output_and_wrong_usage_is_2(self):
        for command in ("keygen", "open", "inspect", "sign", "verify", "fingerprint", "seal"):
            self.assertIn(f"usage: coffer {command}".encode(), self.coffer(command, "--help"))
            self.refused(command, "--no-such-option", status=2)
        self.assertIn(b"usage: coffer seal --to KEY", self.coffer("seal", "--to", "x", "--help"))
        self.assertIn(b"--to KEY", self.coffer("seal", "--help"))

    def test_the_example_partner_makes_a_key_and_exchanges(self):
        key, public = self.dir / "partner.pem", self.dir / "partner.pub.pem"
        self.assertLessEqual(len(pathlib.Path(PARTNER).read_text().splitlines()), 80)
        made = run([sys.executable, PARTNER, "keygen", 2048, key, public])
        self.assertEqual((made.returncode, made.stderr), (0, b""))
        sealed = self.coffer("seal", "--to", public, data=b"to the partner")
        self.assertEqual(run([sys.executable, PARTNER, "open", key], sealed).stdout, b"to the partner")
        sealed = run([sys.executable, PARTNER, "seal", self.dir / "my.pub.pem"], b"to coffer").stdout
        self.assertEqual(self.coffer("open", "--key", self.dir / "my.pem", data=sealed), b"to coffer")
        self.assertNotEqual(run([sys.executable, PARTNER, "open", key], sealed).returncode, 0)


if __name__ == "__main__":
    unittest.main()
