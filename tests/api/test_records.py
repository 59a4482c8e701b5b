"""Records as a client sees them."""

import base64
import hashlib
import unittest

import samples
from harness import ApiTest, in_threads


class RoundTrip(ApiTest):
    def there_and_back(self, name, media_type, body):
        made = self.client.post(body, media_type)
        self.assertEqual(made.status, 201, name)
        self.assertEqual(made["ETag"], '"1"')
        digest = hashlib.sha256(body)
        self.assertEqual(made.json["sha256"], digest.hexdigest(), name)
        self.assertEqual(made.json["size"], len(body), name)
        self.assertEqual(made.json["media_type"], media_type, name)
        self.assertEqual(made["Location"], "/v1/records/" + made.json["id"])
        read = self.client.get(made["Location"])
        self.assertEqual(read.status, 200, name)
        self.assertTrue(read.body == body, f"{name}: other bytes came back")
        self.assertEqual(read["Content-Type"], media_type, name)
        self.assertEqual(read["Repr-Digest"], f"sha-256=:{base64.b64encode(digest.digest()).decode()}:", name)

    def test_records_made_here_come_back_exactly(self):
        for row in samples.made():
            with self.subTest(row[0]):
                self.there_and_back(*row)

    def test_shared_records_come_back_exactly(self):
        rows = samples.shared()
        if rows is None:
            self.skipTest("COFFER_TEST_DATA does not name the shared test data")
        for row in rows:
            with self.subTest(row[0]):
                self.there_and_back(*row)

    def test_chunked_bodies_come_back_exactly(self):
        pieces = [b"x" * n for n in (1, 65535, 70000, 3)]
        made = self.client.post(iter(pieces))
        self.assertEqual(made.status, 201)
        self.assertEqual(self.client.get(made["Location"]).body, b"".join(pieces))

    def test_head_tells_what_get_tells_without_the_bytes(self):
        path = self.create(b"0123456789", "text/plain")
        head, get = self.client.head(path), self.client.get(path)
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("ETag", "Last-Modified", "Repr-Digest", "Accept-Ranges", "Content-Type", "Content-Length"):
            self.assertEqual(head[name], get[name], name)

    def test_labels_come_back_with_the_record(self):
        path = self.create(b"labelled", coffer_labels="ward=3; kind=lab")
        self.assertEqual(self.client.get(path)["Coffer-Labels"], "ward=3; kind=lab")

    def test_every_reply_forbids_caching(self):
        path = self.create()
        for answer in (self.client.get(path), self.client.get("/v1/records"), self.client.get("/v1/health")):
            self.assertEqual(answer["Cache-Control"], "no-store")
            self.assertEqual(answer["X-Content-Type-Options"], "nosniff")
            self.assertIn("max-age", answer["Strict-Transport-Security"])


class Versions(ApiTest):
    def test_each_version_stays_readable(self):
        path = self.create(b"one", "text/plain")
        for number, body in ((2, b"two"), (3, b"three")):
            answer = self.client.put(path, body, "text/x-other", if_match=f'"{number - 1}"')
            self.assertEqual((answer.status, answer["ETag"]), (200, f'"{number}"'))
            self.assertEqual(answer.json["version"], number)
        self.assertEqual(self.client.get(path).body, b"three")
        for number, body in ((1, b"one"), (2, b"two"), (3, b"three")):
            answer = self.client.get(f"{path}/versions/{number}")
            self.assertEqual((answer.status, answer.body, answer["ETag"]), (200, body, f'"{number}"'))
        self.assertEqual(self.client.get(f"{path}/versions/1")["Content-Type"], "text/plain")
        listed = self.client.get(f"{path}/versions").json["versions"]
        self.assertEqual([(row["version"], row["size"]) for row in listed], [(1, 3), (2, 3), (3, 5)])
        for wrong in ("4", "0", "01", "x", "-1"):
            self.assert_problem(self.client.get(f"{path}/versions/{wrong}"), 404, "not-found")

    def test_writing_needs_the_version_it_replaces(self):
        path = self.create(b"one")
        self.assert_problem(self.client.put(path, b"two"), 428, "precondition-required")
        self.assert_problem(self.client.put(path, b"two", if_match='"7"'), 412, "precondition-failed")
        self.assertEqual(self.client.put(path, b"two", if_match='"1"').status, 200)
        self.assert_problem(self.client.put(path, b"three", if_match='"1"'), 412, "precondition-failed")
        for wrong in ("*", 'W/"2"', '"1", "2"', "2", '"x"'):
            self.assertIn(self.client.put(path, b"three", if_match=wrong).status, (400, 412), wrong)
        self.assertEqual(self.client.get(path).body, b"two")

    def test_of_eight_writers_one_wins(self):
        path = self.create(b"start")
        for round_number in range(1, 11):
            def write(i, etag=f'"{round_number}"'):
                with self.server.client() as client:
                    return client.put(path, b"writer %d" % i, if_match=etag).status

            codes = in_threads(8, write)
            self.assertEqual(sorted(codes), [200] + [412] * 7)
            read = self.client.get(path)
            self.assertEqual(read["ETag"], f'"{round_number + 1}"')
            self.assertEqual(read.body, b"writer %d" % codes.index(200))


class Conditions(ApiTest):
    def test_if_none_match(self):
        path = self.create(b"content")
        for value, status in (('"1"', 304), ('W/"1"', 304), ("*", 304), ('"0", "1"', 304), ('"2"', 200)):
            answer = self.client.get(path, if_none_match=value)
            self.assertEqual(answer.status, status, value)
            self.assertEqual(answer["ETag"], '"1"')
        self.assertEqual(self.client.head(path, if_none_match='"1"').status, 304)

    def test_if_modified_since(self):
        path = self.create(b"content")
        date = self.client.get(path)["Last-Modified"]
        self.assertEqual(self.client.get(path, if_modified_since=date).status, 304)
        self.assertEqual(self.client.get(path, if_modified_since="Thu, 01 Jan 1998 00:00:00 GMT").status, 200)
        self.assertEqual(self.client.get(path, if_modified_since=date, if_none_match='"9"').status, 200)

    def test_if_match_on_reading(self):
        path = self.create(b"content")
        self.assertEqual(self.client.get(path, if_match='"1"').status, 200)
        self.assert_problem(self.client.get(path, if_match='"2"'), 412, "precondition-failed")

    def test_ranges(self):
        body = bytes(range(256)) * 800  # more than three chunks
        path, size = self.create(body), len(body)
        cases = (
            ("bytes=0-0", 0, 1), ("bytes=0-99", 0, 100), ("bytes=65530-65545", 65530, 65546),
            ("bytes=131072-", 131072, size), ("bytes=-1", size - 1, size), ("bytes=-70000", size - 70000, size),
            (f"bytes=-{size + 5}", 0, size), (f"bytes=5-{size + 999}", 5, size), (f"bytes={size - 1}-", size - 1, size),
        )
        for value, first, end in cases:
            answer = self.client.get(path, range=value)
            self.assertEqual(answer.status, 206, value)
            self.assertTrue(answer.body == body[first:end], value)
            self.assertEqual(answer["Content-Range"], f"bytes {first}-{end - 1}/{size}", value)
        for value in (f"bytes={size}-", "bytes=-0"):
            answer = self.client.get(path, range=value)
            self.assert_problem(answer, 416, "range-not-satisfiable")
            self.assertEqual(answer["Content-Range"], f"bytes */{size}")
        answer = self.client.get(path, range="lines=1-2")
        self.assertEqual((answer.status, len(answer.body)), (200, size))

    def test_if_range_falls_back_to_the_whole(self):
        path = self.create(b"0123456789")
        self.assertEqual(self.client.get(path, range="bytes=2-4", if_range='"1"').body, b"234")
        self.assertEqual(self.client.get(path, range="bytes=2-4", if_range='"2"').body, b"0123456789")
        self.assertEqual(self.client.get(path, range="bytes=2-4", if_range='W/"1"').body, b"0123456789")


class Deleting(ApiTest):
    def test_deleted_is_gone_for_ever(self):
        path = self.create(b"one")
        self.client.put(path, b"two", if_match='"1"')
        self.assertEqual(self.client.delete(path).status, 204)
        for target in (path, f"{path}/versions/1", f"{path}/versions/2", f"{path}/versions"):
            self.assert_problem(self.client.get(target), 410, "gone")
        self.assertEqual(self.client.head(path).status, 410)
        self.assert_problem(self.client.delete(path), 410, "gone")
        self.assert_problem(self.client.put(path, b"three", if_match='"2"'), 410, "gone")
        listed = self.client.get("/v1/records?limit=1000").json["records"]
        self.assertNotIn(path.rsplit("/", 1)[1], [row["id"] for row in listed])

    def test_deletion_can_be_conditional(self):
        path = self.create(b"one")
        self.assert_problem(self.client.delete(path, if_match='"2"'), 412, "precondition-failed")
        self.assertEqual(self.client.delete(path, if_match='"1"').status, 204)


class Listing(ApiTest):
    def test_pages_hold_each_record_once_in_order(self):
        wanted = [self.create(b"%d" % i).rsplit("/", 1)[1] for i in range(25)]
        got, target = [], "/v1/records?limit=7"
        for _ in range(10):
            answer = self.client.get(target)
            self.assertEqual(answer.status, 200)
            got += [row["id"] for row in answer.json["records"]]
            if "next" not in answer.json:
                self.assertIsNone(answer["Link"])
                break
            self.assertLessEqual(len(answer.json["records"]), 7)
            target = answer["Link"].split(">")[0].lstrip("<")
            self.assertIn(answer.json["next"], target)
        self.assertEqual(got, wanted)
        self.assertEqual(len(self.client.get("/v1/records").json["records"]), 25)

    def test_versions_come_in_pages_too(self):
        path = self.create(b"1")
        for number in range(1, 6):
            self.client.put(path, b"x", if_match=f'"{number}"')
        first = self.client.get(f"{path}/versions?limit=4").json
        self.assertEqual([row["version"] for row in first["versions"]], [1, 2, 3, 4])
        rest = self.client.get(f"{path}/versions?limit=4&after={first['next']}").json
        self.assertEqual([row["version"] for row in rest["versions"]], [5, 6])
        self.assertNotIn("next", rest)

    def test_unknown_queries_are_refused(self):
        for query in ("limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "after=x", "color=red"):
            self.assert_problem(self.client.get(f"/v1/records?{query}"), 400, "bad-request")


class Idempotency(ApiTest):
    def test_the_same_request_gets_the_same_answer(self):
        first = self.client.post(b"once", "text/plain", idempotency_key="same")
        again = self.client.post(b"once", "text/plain", idempotency_key="same")
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertEqual(first["Location"], again["Location"])
        self.assertEqual(first.json, again.json)

    def test_another_body_under_the_same_key_is_refused(self):
        first = self.client.post(b"this", idempotency_key="other")
        self.assert_problem(self.client.post(b"that", idempotency_key="other"), 422, "idempotency-key-reused")
        self.assertEqual(self.client.get(first["Location"]).body, b"this")

    def test_at_the_same_time_one_record_is_made(self):
        for round_number in range(5):
            def write(_, key=f"race {round_number}"):
                with self.server.client() as client:
                    return client.post(b"z" * 200000, idempotency_key=key)

            answers = in_threads(6, write)
            self.assertLessEqual({answer.status for answer in answers}, {201, 409})
            self.assertEqual(len({answer["Location"] for answer in answers if answer.status == 201}), 1)


if __name__ == "__main__":
    unittest.main()
