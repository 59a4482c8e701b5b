"""The browser page as the server hands it out, and what tells it whose token it has. How it works: tests/web."""

import hashlib
import json
import os
import re
import unittest

from harness import ApiTest, ROOT

WEB = os.path.join(ROOT, "server", "web")
POLICY = {
    "default-src": ["'none'"], "script-src": ["'self'"], "style-src": ["'self'"], "img-src": ["'self'", "blob:"],
    "connect-src": ["'self'"], "base-uri": ["'none'"], "form-action": ["'none'"],
    "frame-ancestors": ["'none'"], "require-trusted-types-for": ["'script'"], "trusted-types": ["'none'"],
}


def files():
    """(path in the page, content) of each."""
    for folder, _, names in os.walk(WEB):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                yield os.path.relpath(path, WEB), file.read()


class Page(ApiTest):
    def setUp(self):
        super().setUp()
        self.client = self.server.client(token=None)
        self.addCleanup(self.client.close)

    def assert_guarded(self, answer):
        policy = dict((part.split()[0], part.split()[1:]) for part in answer["Content-Security-Policy"].split(";"))
        self.assertEqual(policy, POLICY)
        for name, value in {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
                            "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
                            "X-Frame-Options": "DENY", "Cache-Control": "no-cache"}.items():
            self.assertEqual(answer[name], value)
        self.assertIn("camera=()", answer["Permissions-Policy"])
        self.assertIsNone(answer["Set-Cookie"])

    def test_every_file_is_served_as_it_is_and_guarded(self):
        for name, content in files():
            with self.subTest(name):
                answer = self.client.get("/" if name == "index.html" else f"/assets/{name}")
                self.assertEqual((answer.status, answer.body), (200, content))
                self.assertEqual(answer["ETag"], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
                self.assert_guarded(answer)

    def test_media_types_are_what_browsers_run(self):
        for target, media_type in {"/": "text/html; charset=utf-8", "/assets/app.js": "text/javascript; charset=utf-8",
                                   "/assets/style.css": "text/css; charset=utf-8", "/assets/icon.svg": "image/svg+xml",
                                   "/assets/lib/dom.js": "text/javascript; charset=utf-8"}.items():
            self.assertEqual(self.client.get(target)["Content-Type"], media_type)

    def test_a_file_that_the_browser_has_is_not_sent_again(self):
        for target in ("/", "/assets/app.js", "/assets/lib/dom.js"):
            tag = self.client.get(target)["ETag"]
            for value, status in ((tag, 304), (f'W/{tag}, "x"', 304), ("*", 304), ('"x"', 200)):
                answer = self.client.get(target, if_none_match=value)
                self.assertEqual((answer.status, answer["ETag"]), (status, tag))
                self.assert_guarded(answer)

    def test_head_answers_the_same_without_the_bytes(self):
        answer = self.client.head("/")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assert_guarded(answer)

    def test_what_is_no_file_of_the_page_is_not_there(self):
        for target in ("/assets/none.js", "/assets/lib", "/assets/lib/none.js", "/assets/..%5cindex.html",
                       "/assets/%2e%2e/%2e%2e", "/assets/lib/" + "x" * 300, "/assets/app.js%20"):
            self.assertEqual(self.client.get(target).status, 404, target)
        self.assertIn(self.client.get("/assets/lib%2fdom.js").status, (400, 404))
        self.assertEqual(self.client.request("POST", "/", b"").status, 405)

    def test_nothing_names_another_host_or_is_inline(self):
        for name, content in files():
            text = content.decode()
            with self.subTest(name):
                hosts = set(re.findall(r"\b(?:https?|wss?):(?://[^\s'\"`]*)?", text)) - {"http://www.w3.org/2000/svg"}
                self.assertEqual(hosts, set())
                self.assertNotRegex(text, r"\.(?:innerHTML|outerHTML|insertAdjacentHTML|srcdoc)\b|document\.(?:write|cookie)")
                self.assertNotRegex(text, r"\b(?:eval|new Function)\(|localStorage|sessionStorage")
                if name.endswith(".html"):
                    self.assertNotRegex(text, r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=")

    def test_other_answers_run_nothing_either(self):
        with self.server.client() as admin:
            path = admin.post(b"<script>alert(1)</script>", "text/html")["Location"]
            answers = [admin.get(path), self.client.get("/v1/health"), self.client.get("/nothing")]
        for answer in answers:
            self.assertEqual(answer["Content-Security-Policy"], "default-src 'none'; frame-ancestors 'none'; sandbox")
            self.assertEqual(answer["Cross-Origin-Resource-Policy"], "same-origin")


class Whoami(ApiTest):
    def test_a_token_tells_its_account_and_scopes(self):
        self.client.request("POST", "/v1/accounts", json.dumps({"name": "ann", "roles": ["writer", "auditor"]}))
        made = self.client.request("POST", "/v1/tokens", json.dumps(
            {"account": "ann", "scopes": ["records:read"], "expires_in": 600})).json
        with self.server.client(token=made["token"]) as ann:
            self.assertEqual(ann.get("/v1/session").json, {
                "account": "ann", "kind": "token", "scopes": ["records:read"], "expires": made["expires"]})
            self.client.request("PUT", "/v1/accounts/ann", json.dumps({"roles": ["auditor"]}))
            self.assertEqual(ann.get("/v1/session").json["scopes"], [])
            self.client.delete(f"/v1/tokens/{made['id']}")
            self.assertEqual(ann.get("/v1/session").status, 401)

    def test_a_token_without_an_end_has_no_expiry(self):
        answer = self.client.get("/v1/session").json
        self.assertEqual((answer["account"], answer["kind"]), ("admin", "token"))
        self.assertNotIn("expires", answer)


if __name__ == "__main__":
    unittest.main()
