#!/usr/bin/python3
"""A partner of coffer's in PyCryptodome (which pip installs as Crypto, and Debian as Cryptodome).
partner.py keygen BITS MY.pem MY.pub.pem           partner.py seal TO.pub.pem < PLAIN > SEALED
partner.py open MY.pem < SEALED > PLAIN            partner.py sign MY.pem TO.pub.pem < SEALED > SIGNATURE
partner.py verify FROM.pub.pem TO.pub.pem SIGNATURE < SEALED
partner.py join ORIGIN CA.pem NAME MY.pem < INVITE          (an empty one where enrollment is open)
partner.py send ORIGIN CA.pem NAME MY.pem TO < PLAIN        partner.py fetch ORIGIN CA.pem NAME MY.pem > ALL
"""
import base64, hashlib, json, os, ssl, sys, urllib.request
from Cryptodome.Cipher import AES, PKCS1_OAEP
from Cryptodome.Hash import SHA256
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature import pss

def load(path):
    with open(path, "rb") as file:
        return RSA.import_key(file.read())
def fingerprint(key):
    return hashlib.sha256(key.public_key().export_key("DER")).hexdigest()
def keygen(bits, *paths):
    key = RSA.generate(int(bits))
    for path, half in zip(paths, (key, key.public_key())):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(half.export_key(pkcs=8))

def seal(recipient, plaintext):
    aes_key = os.urandom(16)
    cipher = AES.new(aes_key, AES.MODE_EAX)
    ciphertext, tag = cipher.encrypt_and_digest(plaintext)
    return PKCS1_OAEP.new(recipient).encrypt(aes_key) + cipher.nonce + tag + ciphertext
def open_sealed(key, sealed):
    k = key.size_in_bytes()
    cipher = AES.new(PKCS1_OAEP.new(key).decrypt(sealed[:k]), AES.MODE_EAX, nonce=sealed[k:k + 16])
    return cipher.decrypt_and_verify(sealed[k + 32:], sealed[k + 16:k + 32])
def statement(sender, recipient, sealed):
    lines = ["coffer-message-v1", fingerprint(sender), fingerprint(recipient), hashlib.sha256(sealed).hexdigest()]
    return "".join(line + "\n" for line in lines)
def sign(key, text):
    return base64.b64encode(pss.new(key).sign(SHA256.new(text.encode()))).decode()
def verify(key, text, signature):
    pss.new(key).verify(SHA256.new(text.encode()), base64.b64decode(signature))

def server(command, data, origin, ca, name, key, to=""):
    def ask(method, path, body=None, **headers):
        fields = {field.replace("_", "-"): value for field, value in {**token, **headers}.items()}
        request = urllib.request.Request(origin + path, body, fields, method=method)
        return urllib.request.urlopen(request, context=ssl.create_default_context(cafile=ca))

    token, key = {}, load(key)
    if command == "join":
        invite = json.loads(base64.urlsafe_b64decode(data.split(b".")[1] + b"==")) if data else {}
        proof = f"coffer-key-v1\n{origin}\n{name}\nnone\n{fingerprint(key)}\n1\n"
        return ask("PUT", f"/v1/keys/{name}", key.public_key().export_key(),
                   Coffer_Key_Signature=sign(key, proof), **{"Coffer_Invite": invite["secret"]} if data else {}).read()
    offer = json.load(ask("POST", "/v1/login", json.dumps({"account": name}).encode()))
    label = f"coffer-login-v1\n{origin}\n{name}\n{offer['id']}".encode()  # of what was dialled, not of what is answered
    opened = PKCS1_OAEP.new(key, SHA256, label=label).decrypt(base64.b64decode(offer["challenge"]))
    answer = json.dumps({"answer": hashlib.sha256(opened).hexdigest()}).encode()
    token["Authorization"] = "Bearer " + json.load(ask("POST", f"/v1/login/{offer['id']}", answer))["token"]
    if command == "send":
        sealed = seal(recipient := RSA.import_key(ask("GET", f"/v1/keys/{to}").read()), data)
        return ask("POST", f"/v1/mailboxes/{to}/messages", sealed, Content_Type="application/vnd.coffer.message",
                   Coffer_Signature=sign(key, statement(key, recipient, sealed))).read()
    for entry in json.load(ask("GET", (path := f"/v1/mailboxes/{name}/messages")))["messages"]:
        sealed = ask("GET", f"{path}/{entry['id']}").read()
        sender = RSA.import_key(ask("GET", f"/v1/keys/{entry['from']}").read())  # compare its fingerprint by voice
        verify(sender, statement(sender, key, sealed), entry["signature"])
        sys.stdout.buffer.write(entry["from"].encode() + b": " + open_sealed(key, sealed) + b"\n")
        ask("DELETE", f"{path}/{entry['id']}")

def main(command, *args):
    data = b"" if command in ("keygen", "fetch") else sys.stdin.buffer.read()
    commands = {
        "keygen": keygen, "seal": lambda to: seal(load(to), data), "open": lambda mine: open_sealed(load(mine), data),
        "sign": lambda mine, to: sign(load(mine), statement(load(mine), load(to), data)).encode(),
        "verify": lambda own, to, file: verify(load(own), statement(load(own), load(to), data), open(file).read())}
    sys.stdout.buffer.write(commands.get(command, lambda *rest: server(command, data, *rest))(*args) or b"")

sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
