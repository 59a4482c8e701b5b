"""What the server refuses, and how."""

import json
import unittest

from harness import ApiTest, CONTRACT, UNKNOWN_ID, run


class Credentials(ApiTest):
    def test_without_a_valid_token_nothing_is_told(self):
        path = self.create()
        token = self.server.token
        wrong = (None, "Bearer", "Bearer x", f"Bearer {token}x", f"Bearer {token[:-1]}", f"Basic {token}", token)
        for value in wrong:
            with self.server.client(token=None) as client:
                for target in (path, f"/v1/records/{UNKNOWN_ID}", "/v1/records"):
                    answer = client.get(target, authorization=value)
                    self.assert_problem(answer, 401, "unauthorized")
                    self.assertTrue(answer["WWW-Authenticate"].startswith("Bearer"))
                self.assert_problem(client.post(b"x", authorization=value), 401, "unauthorized")
                self.assert_problem(client.delete(path, authorization=value), 401, "unauthorized")
        self.assertEqual(self.client.get(path).status, 200)

    def test_the_scheme_is_case_insensitive(self):
        self.assertEqual(self.client.get("/v1/records", authorization=f"bearer {self.server.token}").status, 200)

    def test_health_and_contract_are_open(self):
        with self.server.client(token=None) as client:
            for target in ("/v1/health", "/v1/ready", "/openapi.json"):
                self.assertEqual(client.get(target).status, 200, target)


class Targets(ApiTest):
    def test_absent_and_malformed_ids_get_the_same_bytes(self):
        answers = []
        for name in (UNKNOWN_ID, "x", "1", UNKNOWN_ID.upper(), UNKNOWN_ID[:-1], "%41", "..."):
            answer = self.client.get(f"/v1/records/{name}")
            self.assert_problem(answer, 404, "not-found")
            document = answer.json
            self.assertEqual(len(answer.body), int(answer["Content-Length"]))
            answers.append(answer.body.replace(document["request_id"].encode(), b""))
        self.assertEqual(len(set(answers)), 1, answers)

    def test_unknown_paths_are_not_found(self):
        for target in ("/v1/nothing", "/v2/records", "/v1/records/", "//v1/records", "/v1/records/a/b"):
            self.assertEqual(self.client.get(target).status, 404, target)

    def test_other_methods_are_told_which_there_are(self):
        for method, target, allowed in (
                ("DELETE", "/v1/records", {"GET", "HEAD", "POST"}),
                ("POST", f"/v1/records/{UNKNOWN_ID}", {"GET", "HEAD", "PUT", "DELETE"}),
                ("PUT", "/v1/health", {"GET", "HEAD"})):
            answer = self.client.request(method, target)
            self.assert_problem(answer, 405, "method-not-allowed")
            self.assertEqual({name.strip() for name in answer["Allow"].split(",")} - {"OPTIONS"}, allowed)


class Bodies(ApiTest):
    options = ("--max-record-size", "100000")

    def test_the_limit_is_the_last_size_that_fits(self):
        self.assertEqual(self.client.post(b"x" * 100000).status, 201)
        self.assert_problem(self.client.post(b"x" * 100001), 413, "too-large")
        self.assert_problem(self.client.post(iter([b"x" * 60000, b"x" * 60000])), 413, "too-large")
        self.assertEqual(self.client.get("/v1/health").status, 200)

    def test_a_body_over_the_limit_is_in_the_audit_log(self):
        for body in (b"x" * 100001, iter([b"x" * 60000, b"x" * 60000])):
            before = self.audit_events()
            self.assert_problem(self.client.post(body), 413, "too-large")
            self.assertEqual(self.audit_events(), before + 1, type(body))

    def audit_events(self):
        done = run("audit", "verify", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done)
        return int(done.stdout.split()[0])

    def test_forms_are_refused_with_the_way_out(self):
        for media_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = self.client.post(b"a=b", media_type)
            self.assert_problem(answer, 415, "unsupported-media-type")
            self.assertIn("--data-binary", answer.json["detail"])

    def test_malformed_headers_are_refused(self):
        for headers in ({"media_type": "text"}, {"media_type": "a/" + "b" * 300}, {"idempotency_key": "k" * 256},
                        {"idempotency_key": ""}):
            self.assert_problem(self.client.post(b"x", **headers), 400, "bad-request")

    def test_refusals_never_repeat_the_payload(self):
        answer = self.client.post(b"SECRET-NAME" * 20000)
        self.assertNotIn(b"SECRET-NAME", answer.body)


class Wire(ApiTest):
    """Requests that http.client would not send."""

    def send(self, text):
        with self.server.connect() as secure:
            secure.sendall(text.replace("TOKEN", self.server.token).encode("latin-1"))
            data = b""
            try:
                while True:
                    piece = secure.recv(65536)
                    if not piece:
                        break
                    data += piece
            except OSError:
                pass
        return data

    def test_ambiguous_requests_are_refused(self):
        auth = "Authorization: Bearer TOKEN\r\n"
        cases = {
            "length and chunked": f"POST /v1/records HTTP/1.1\r\nHost: a\r\n{auth}Content-Length: 3\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "two lengths": f"POST /v1/records HTTP/1.1\r\nHost: a\r\n{auth}Content-Length: 3\r\n"
                           "Content-Length: 4\r\n\r\nabcd",
            "no host": f"GET /v1/records HTTP/1.1\r\n{auth}\r\n",
            "two hosts": f"GET /v1/records HTTP/1.1\r\nHost: a\r\nHost: b\r\n{auth}\r\n",
            "another coding": f"POST /v1/records HTTP/1.1\r\nHost: a\r\n{auth}Transfer-Encoding: gzip\r\n\r\nabc",
            "encoded NUL": f"GET /v1/records/%00 HTTP/1.1\r\nHost: a\r\n{auth}Connection: close\r\n\r\n",
            "encoded slash": f"GET /v1/records%2fx HTTP/1.1\r\nHost: a\r\n{auth}Connection: close\r\n\r\n",
            "trace": f"TRACE /v1/records HTTP/1.1\r\nHost: a\r\n{auth}Connection: close\r\n\r\n",
            "no http": "\x16\x03\x01 nonsense\r\n\r\n",
        }
        for name, text in cases.items():
            with self.subTest(name):
                line = self.send(text).split(b"\r\n")[0]
                # Either an answer of refusal, or the connection closed without one.
                self.assertTrue(line == b"" or line.split(b" ")[1][:1] in (b"4", b"5"), line)
        self.assertEqual(self.client.get("/v1/health").status, 200)

    def test_problems_are_problem_documents_on_the_wire(self):
        data = self.send("GET /v1/records HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, body = data.split(b"\r\n\r\n", 1)
        self.assertTrue(head.startswith(b"HTTP/1.1 401 "))
        CONTRACT.validate(json.loads(body), {"$ref": "#/components/schemas/Problem"}, "wire")


if __name__ == "__main__":
    unittest.main()
