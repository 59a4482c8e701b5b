"""Certificates made with openssl: authorities, what they sign for servers and clients, with any dates, and what they say
of it later (CRLs, OCSP responses). Used by tests/api, tests/tls and whoever else needs a chain that is good or bad."""

import os
import re
import shutil
import subprocess
import time

KINDS = {
    "ec": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "ec384": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "rsa": ("-newkey", "rsa:2048"),
    "rsa1024": ("-newkey", "rsa:1024"),
    "ed25519": ("-newkey", "ed25519"),
}


def openssl(*arguments, **options):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def ask(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, encoding="ascii").stdout


def fingerprint(pem):
    """SHA-256 of the first certificate of a file, in lower-case hexadecimal."""
    return ask("x509", "-in", pem, "-noout", "-fingerprint", "-sha256").split("=")[1].strip().replace(":", "").lower()


def date(seconds_from_now):
    """As `openssl ca -startdate` and -enddate take it."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds_from_now))


def replace(source, target):
    """At once, as whoever renews certificates should."""
    shutil.copyfile(source, target + ".new")
    os.chmod(target + ".new", 0o600)
    os.rename(target + ".new", target)


class Authority:
    """A CA, and what it signs. With a `parent` it is an intermediate one of that."""

    def __init__(self, directory, name, kind="ec", parent=None):
        self.directory, self.name, self.parent = os.path.join(directory, name), name, parent
        os.mkdir(self.directory)
        for file in ("index.txt", "index.txt.attr"):
            self.write(file, "unique_subject = no\n" if file.endswith("attr") else "")
        self.write("ca.cnf", f"""[ca]
default_ca = d
[d]
database = {self.directory}/index.txt
new_certs_dir = {self.directory}
default_md = sha256
rand_serial = yes
policy = p
copy_extensions = copy
default_crl_days = 30
[p]
commonName = supplied
""")
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature")
        if parent:
            openssl("req", "-new", *KINDS[kind], "-nodes", "-keyout", self.at("ca.key"), "-out", self.at("ca.csr"), "-subj",
                    f"/CN={name}", *usage, "-addext", "basicConstraints=critical,CA:TRUE")
            parent.sign(self.at("ca.csr"), self.at("ca.pem"), days=365)
        else:
            openssl("req", "-x509", *KINDS[kind], "-nodes", "-keyout", self.at("ca.key"), "-out", self.at("ca.pem"), "-days",
                    "365", "-subj", f"/CN={name}", *usage)

    def at(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.at(name), "w", encoding="ascii") as file:
            file.write(text)

    def ca(self, *arguments):
        openssl("ca", "-batch", "-config", self.at("ca.cnf"), "-cert", self.at("ca.pem"), "-keyfile", self.at("ca.key"),
                *arguments)

    def sign(self, request, certificate, start=None, end=None, days=10):
        dates = ["-startdate", start] if start else []
        self.ca("-in", request, "-out", certificate, "-notext", *dates, *(["-enddate", end] if end else ["-days", str(days)]))

    def issue(self, subject, file, *extensions, kind="ec", **dates):
        """A certificate for clients unless the extensions say otherwise; (certificate, key)."""
        wanted = extensions or ("extendedKeyUsage=clientAuth",)
        added = [part for extension in wanted for part in ("-addext", extension)]
        openssl("req", "-new", *KINDS[kind], "-nodes", "-keyout", self.at(f"{file}.key"), "-out", self.at(f"{file}.csr"),
                "-subj", f"/CN={subject}", *added)
        self.sign(self.at(f"{file}.csr"), self.at(f"{file}.pem"), **dates)
        return self.at(f"{file}.pem"), self.at(f"{file}.key")

    def server(self, file, names=("localhost", "127.0.0.1"), more=(), **options):
        """A certificate for a server (`more`: further extensions), with the intermediate one behind it if there is one;
        (chain, key)."""
        kinds = ",".join(("IP:" if re.fullmatch(r"[0-9.]+|.*:.*", name) else "DNS:") + name for name in names)
        certificate, key = self.issue(names[0], file, "extendedKeyUsage=serverAuth", f"subjectAltName={kinds}",
                                      "keyUsage=digitalSignature", *more, **options)
        if self.parent:
            with open(certificate, "a", encoding="ascii") as chain, open(self.at("ca.pem"), encoding="ascii") as own:
                chain.write(own.read())
        return certificate, key

    def revoke(self, file):
        self.ca("-revoke", self.at(f"{file}.pem"))

    def crl(self, name="crl.pem"):
        self.ca("-gencrl", "-out", self.at(name))
        return self.at(name)

    def ocsp(self, file, name=None, minutes=60):
        """What this CA says of a certificate that it issued, good for so long."""
        path = self.at(name or f"{file}.ocsp")
        openssl("ocsp", "-index", self.at("index.txt"), "-CA", self.at("ca.pem"), "-rsigner", self.at("ca.pem"), "-rkey",
                self.at("ca.key"), "-issuer", self.at("ca.pem"), "-cert", self.at(f"{file}.pem"), "-respout", path, "-nmin",
                str(minutes))
        return path

    @property
    def root(self):
        return self.parent.root if self.parent else self.at("ca.pem")
