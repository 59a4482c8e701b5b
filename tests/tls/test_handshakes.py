"""Which handshakes are taken: exactly the intended ones, by version, suite, group and signature scheme, for an ECDSA and
an RSA certificate, with and without --tls-min 1.3."""

import os
import re
import subprocess
import tempfile
import unittest

from shaking import CertifiedServer, answer_to, by_gnutls, by_openssl, client_hello, ssl2_hello, SECONDS
from chains import Authority  # pylint: disable=wrong-import-order

KINDS = ("ec", "rsa")
LOOSE = "@SECLEVEL=0"
OLD = 0x0300, 0x0301, 0x0302

# By OpenSSL's names.
SUITES_1_3 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
SUITES_1_2 = {kind: {f"ECDHE-{name}-{cipher}" for cipher in
                     ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}
              for kind, name in (("ec", "ECDSA"), ("rsa", "RSA"))}
GROUPS = {"X25519": "X25519", "P-256": "prime256v1", "P-384": "secp384r1"}  # how s_client says that it is used
OTHER_GROUPS = {"P-521", "X448", "P-224", "secp256k1", "brainpoolP256r1", "ffdhe2048", "ffdhe3072", "ffdhe4096"}
OTHER_GROUPS_1_3 = {"P-521", "X448", "ffdhe2048", "ffdhe3072", "ffdhe4096"}
GNUTLS_GROUPS = ("X25519", "SECP256R1", "SECP384R1", "SECP521R1", "X448", "SECP224R1", "FFDHE2048", "FFDHE3072")
GNUTLS_INTENDED = GNUTLS_GROUPS[:3]
SCHEMES_1_3 = {
    "ec": {"ecdsa_secp256r1_sha256"},
    "rsa": {"rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512"},
}
# The hash of TLS 1.2's ECDSA schemes says nothing of the curve.
SCHEMES_1_2 = {
    "ec": {"ECDSA+SHA256", "ECDSA+SHA384", "ECDSA+SHA512"},
    "rsa": {"RSA+SHA256", "RSA+SHA384", "RSA+SHA512", "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512"},
}
ALL_SCHEMES = {"ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "ed25519", "ed448",
               "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512", "rsa_pss_pss_sha256", "RSA+SHA256",
               "RSA+SHA384", "RSA+SHA512"}
OLD_SCHEMES = {"ECDSA+SHA1", "ECDSA+SHA224", "RSA+SHA1", "RSA+SHA224", "DSA+SHA256"}

# Those that no client of today offers: (number, what it is).
RAW_SUITES = (
    (0x0004, "RSA RC4 MD5"), (0x0005, "RSA RC4 SHA"), (0x000a, "RSA 3DES"), (0x0009, "RSA DES"), (0x0003, "RSA EXPORT RC4 40"),
    (0x0008, "RSA EXPORT DES 40"), (0x0006, "RSA EXPORT RC2 40"), (0x0001, "RSA NULL MD5"), (0x0002, "RSA NULL SHA"),
    (0x0014, "DHE RSA EXPORT DES 40"), (0x0016, "DHE RSA 3DES"), (0x0018, "anonymous DH RC4"), (0x0019, "anonymous EXPORT"),
    (0x001b, "anonymous DH 3DES"), (0x0034, "anonymous DH AES"), (0x0007, "RSA IDEA"), (0xc007, "ECDHE ECDSA RC4"),
    (0xc008, "ECDHE ECDSA 3DES"), (0xc006, "ECDHE ECDSA NULL"), (0xc011, "ECDHE RSA RC4"), (0xc012, "ECDHE RSA 3DES"),
    (0xc010, "ECDHE RSA NULL"), (0xc015, "anonymous ECDH NULL"), (0xc018, "anonymous ECDH AES"), (0x008c, "PSK AES"),
    (0xc01d, "SRP AES"), (0x009c, "RSA AES GCM"), (0xc004, "static ECDH ECDSA AES"), (0xc02d, "static ECDH ECDSA AES GCM"),
    (0x002f, "RSA AES CBC"), (0xc009, "ECDHE ECDSA AES CBC"), (0xc013, "ECDHE RSA AES CBC"))
MODERN = {"ec": (0xc02b, 0xc02c, 0xcca9), "rsa": (0xc02f, 0xc030, 0xcca8)}


def openssl_suites(*options):
    return subprocess.run(["openssl", "ciphers", "-s", *options], capture_output=True, encoding="ascii",
                          check=True).stdout.strip().split(":")


def each(least=None):
    """The test is for each server, or for each with such a --tls-min."""
    def decorate(test):
        def run(self):
            for (kind, low), server in self.servers.items():
                if least in (None, low) and kind in KINDS:
                    with self.subTest(kind=kind, least=low):
                        test(self, kind, low, server)
        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run
    return decorate


class Matrix(unittest.TestCase):
    """Each test goes over the four servers."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        cls.servers = {}
        for kind in (*KINDS, "ec384"):
            authority = Authority(directory.name, f"root-{kind}", kind=kind)
            pair = authority.server("server", kind=kind)
            for least in ("1.2", "1.3"):
                server = CertifiedServer(authority, pair, "--tls-min", least)
                cls.addClassCleanup(server.remove)
                cls.servers[kind, least] = server.start()

    def taken(self, server, choices, options):
        """Those of the choices with which there is a handshake."""
        return {choice for choice in choices if by_openssl(server, *options(choice))}

    # ---- versions ----

    @each()
    def test_versions(self, kind, least, server):
        loose = ("-cipher", "ALL:" + LOOSE)
        self.assertIsNone(by_openssl(server, "-tls1", *loose))
        self.assertIsNone(by_openssl(server, "-tls1_1", *loose))
        found = by_openssl(server, "-tls1_2")
        self.assertEqual(found and found[0], "TLSv1.2" if least == "1.2" else None)
        self.assertEqual(by_openssl(server, "-tls1_3")[0], "TLSv1.3")
        self.assertEqual(by_openssl(server)[0], "TLSv1.3")
        for version, wanted in (("1.0", False), ("1.1", False), ("1.2", least == "1.2"), ("1.3", True)):
            found = by_gnutls(server, f"NORMAL:-VERS-ALL:+VERS-TLS{version}:%VERIFY_ALLOW_SIGN_WITH_SHA1")
            self.assertEqual(bool(found), wanted, version)
            if found:
                self.assertIn(f"TLS{version}", found)

    @each()
    def test_versions_that_no_client_speaks(self, kind, least, server):
        for version in OLD:
            self.assertEqual(answer_to(server, client_hello(version, MODERN[kind] + (0xc013, 0xc009, 0x002f))), "alert")
        self.assertNotEqual(answer_to(server, ssl2_hello()), "hello")
        # So that it is the version, and nothing else in our hello, that was refused.
        self.assertEqual(answer_to(server, client_hello(0x0303, MODERN[kind])), "hello" if least == "1.2" else "alert")

    # ---- suites ----

    @each()
    def test_suites_of_tls_1_3(self, kind, least, server):
        known = openssl_suites("-tls1_3", "-ciphersuites", ":".join(SUITES_1_3) + ":TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256")
        self.assertIn("TLS_AES_128_CCM_8_SHA256", known)
        self.assertEqual(self.taken(server, [name for name in known if name.startswith("TLS_")],
                                    lambda suite: ("-tls1_3", "-ciphersuites", suite)), SUITES_1_3)

    @each()
    def test_suites_of_tls_1_2(self, kind, least, server):
        """All that OpenSSL knows."""
        known = openssl_suites("-tls1_2", "ALL:COMPLEMENTOFALL:" + LOOSE)
        self.assertGreater(len(known), 80)
        self.assertEqual(self.taken(server, known, lambda suite: ("-tls1_2", "-cipher", suite + ":" + LOOSE)),
                         SUITES_1_2[kind] if least == "1.2" else set())

    @each("1.2")
    def test_suites_that_no_client_speaks(self, kind, least, server):
        for number, name in RAW_SUITES:
            self.assertEqual(answer_to(server, client_hello(0x0303, [number])), "alert", name)
        for number in MODERN[kind]:
            self.assertEqual(answer_to(server, client_hello(0x0303, [number])), "hello")

    @each()
    def test_suites_by_gnutls(self, kind, least, server):
        ciphers = ("AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305", "AES-128-CCM", "AES-256-CCM", "AES-128-CCM-8",
                   "CAMELLIA-128-GCM", "CAMELLIA-256-GCM", "AES-128-CBC", "AES-256-CBC", "CAMELLIA-128-CBC", "3DES-CBC",
                   "ARCFOUR-128", "NULL")
        exchanges = ("ECDHE-ECDSA", "ECDHE-RSA", "RSA", "DHE-RSA", "ANON-ECDH", "ANON-DH", "ECDHE-PSK", "PSK")
        intended = {"AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"}
        common = "+MAC-ALL:+AEAD:+SHA1:+COMP-NULL:+GROUP-ALL:+SIGN-ALL:+CTYPE-X509"
        for cipher in ciphers:
            if cipher not in ("AES-128-CBC", "AES-256-CBC", "CAMELLIA-128-CBC", "3DES-CBC", "ARCFOUR-128", "NULL",
                              "CAMELLIA-128-GCM", "CAMELLIA-256-GCM"):
                found = by_gnutls(server, f"NONE:+VERS-TLS1.3:+{cipher}:{common}")
                self.assertEqual(bool(found), cipher in intended, cipher)
            for exchange in exchanges:
                found = by_gnutls(server, f"NONE:+VERS-TLS1.2:+{cipher}:+{exchange}:{common}")
                wanted = least == "1.2" and cipher in intended and exchange == {"ec": "ECDHE-ECDSA", "rsa": "ECDHE-RSA"}[kind]
                self.assertEqual(bool(found), wanted, (cipher, exchange, found))

    # ---- groups and signatures ----

    @each()
    def test_groups_of_tls_1_3(self, kind, least, server):
        self.assertEqual(self.taken(server, set(GROUPS) | OTHER_GROUPS_1_3, lambda group: ("-tls1_3", "-groups", group)),
                         set(GROUPS))
        for group in GNUTLS_GROUPS:
            found = by_gnutls(server, f"NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-{group}")
            self.assertEqual(bool(found), group in GNUTLS_INTENDED, (group, found))

    @each()
    def test_groups_of_tls_1_2(self, kind, least, server):
        """An ECDSA certificate is for those alone that know its curve too (RFC 8422 §5.1), so that is offered as well, and
        what matters is which of the two is used."""
        also = {"ec": ("P-256", "SECP256R1"), "rsa": ("", "")}[kind]
        for group in set(GROUPS) | OTHER_GROUPS:
            if kind == "ec" and group == "P-384":
                continue  # coffer prefers P-256: below
            offered = group if also[0] in ("", group) else f"{group}:{also[0]}"
            found = by_openssl(server, "-tls1_2", "-groups", offered, "-cipher", "ECDHE:DHE:" + LOOSE)
            if least == "1.3":
                self.assertIsNone(found)
            else:
                self.assertEqual(found and found[2], GROUPS.get(group, GROUPS.get(also[0])), group)
        for group in GNUTLS_GROUPS:
            if kind == "ec" and group == "SECP384R1":
                continue
            extra = f":+GROUP-{also[1]}" if also[1] and also[1] != group else ""
            found = by_gnutls(server, f"NORMAL:-VERS-ALL:+VERS-TLS1.2:-GROUP-ALL:+GROUP-{group}{extra}") or ""
            self.assertEqual(group in found, group in GNUTLS_INTENDED and least == "1.2", (group, found))

    def test_group_p_384_under_a_certificate_of_that_curve(self):
        for least, wanted in (("1.2", "secp384r1"), ("1.3", None)):
            found = by_openssl(self.servers["ec384", least], "-tls1_2", "-groups", "P-384")
            self.assertEqual(found and found[2], wanted)

    @each()
    def test_signature_schemes(self, kind, least, server):
        self.assertEqual(self.taken(server, ALL_SCHEMES | OLD_SCHEMES,
                                    lambda scheme: ("-tls1_3", "-sigalgs", scheme, "-cipher", "ALL:" + LOOSE)),
                         SCHEMES_1_3[kind])
        self.assertEqual(self.taken(server, ALL_SCHEMES | OLD_SCHEMES,
                                    lambda scheme: ("-tls1_2", "-sigalgs", scheme, "-cipher", "ALL:" + LOOSE)),
                         self.schemes_1_2(kind) if least == "1.2" else set())

    @staticmethod
    def schemes_1_2(kind):
        """By both of their names, where there are two."""
        same = {"ecdsa_secp256r1_sha256": "ECDSA+SHA256", "ecdsa_secp384r1_sha384": "ECDSA+SHA384",
                "ecdsa_secp521r1_sha512": "ECDSA+SHA512"}
        wanted = {scheme for scheme in ALL_SCHEMES if same.get(scheme, scheme) in SCHEMES_1_2[kind]}
        return wanted

    # ---- what else may be asked for ----

    @each()
    def test_application_protocols(self, kind, least, server):
        self.assertTrue(by_openssl(server, "-alpn", "http/1.1"))
        self.assertTrue(by_openssl(server, "-alpn", "h2,http/1.1"))
        self.assertTrue(by_openssl(server))
        for other in ("h2", "http/1.0", "smtp"):
            self.assertIsNone(by_openssl(server, "-alpn", other))

    @each()
    def test_a_refused_client_is_told_why(self, kind, least, server):
        self.assertIn("alert protocol version", self.talk(server, "-tls1_1", "-cipher", "ALL:" + LOOSE, send=b""))
        self.assertIn("alert no application protocol", self.talk(server, "-alpn", "h2", send=b""))
        self.assertIn("alert handshake failure", self.talk(server, "-tls1_3", "-groups", "P-521", send=b""))
        self.assertIn("alert handshake failure", self.talk(server, "-tls1_2", "-cipher", "AES128-SHA", send=b""))

    @each("1.2")
    def test_compression_is_not_used(self, kind, least, server):
        self.assertEqual(answer_to(server, client_hello(0x0303, MODERN[kind], b"\x01\0")), "hello")
        self.assertNotEqual(answer_to(server, client_hello(0x0303, MODERN[kind], b"\x01")), "hello")
        said = self.talk(server, "-tls1_2", "-comp", send=b"")
        self.assertIn("Compression: NONE", said)

    @staticmethod
    def get(server):
        with server.client() as client:
            return client.get("/v1/health")

    def talk(self, server, *options, send):
        """What s_client says of a connection in which it sends so."""
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", server.ca(), *options],
                              input=send, capture_output=True, timeout=SECONDS, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    @each("1.2")
    def test_renegotiation_is_refused(self, kind, least, server):
        request = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        said = self.talk(server, "-tls1_2", "-ign_eof", send=request)
        self.assertIn("HTTP/1.1 200", said)
        self.assertIn("Secure Renegotiation IS supported", said)
        # A line that begins with R makes s_client ask for another handshake.
        said = self.talk(server, "-tls1_2", send=b"R\n" + request)
        self.assertIn("RENEGOTIATING", said)
        self.assertIn("no renegotiation", said)
        self.assertNotIn("HTTP/1.1 200", said)
        self.assertEqual(self.get(server).status, 200)

    @each()
    def test_early_data_is_not_taken(self, kind, least, server):
        """A ticket allows none, and what is sent nevertheless is not looked at."""
        request = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        session, early = os.path.join(self.directory, "session"), os.path.join(self.directory, "early")
        with open(early, "wb") as file:
            file.write(request)
        said = self.talk(server, "-tls1_3", "-ign_eof", "-sess_out", session, send=request)
        self.assertIn("HTTP/1.1 200", said)
        self.assertTrue(re.search(r"Max Early Data: 0\b", said), said)
        said = self.talk(server, "-tls1_3", "-sess_in", session, "-early_data", early, send=b"Q\n")
        self.assertIn("Reused, TLSv1.3", said)
        self.assertIn("Early data was not sent", said)
        self.assertNotIn("HTTP/1.1 200", said)


if __name__ == "__main__":
    unittest.main()
