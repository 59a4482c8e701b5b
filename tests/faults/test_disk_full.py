"""A disk that fills up: what is refused, what goes on, and that all comes back by itself when there is room again."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))

from harness import Server, wait_until  # noqa: E402

MIB = 1 << 20
DISK = 96 * MIB


class SmallDisk:
    """A tmpfs of its own, with a file that takes up as much of it as is wanted."""

    def __init__(self, test):
        self.path = tempfile.mkdtemp(prefix="coffer-disk-")
        test.addCleanup(os.rmdir, self.path)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", self.path],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", check=False)
        if mounted.returncode != 0:
            test.skipTest(f"a tmpfs cannot be mounted here: {mounted.stdout.strip()}")
        test.addCleanup(subprocess.run, ["umount", self.path], check=True)
        self.ballast = os.path.join(self.path, "ballast")

    def leave(self, size):
        """Takes up all but about `size` bytes; None gives all back."""
        if os.path.exists(self.ballast):
            os.unlink(self.ballast)
        if size is None:
            return
        with open(self.ballast, "wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, max(1, self.free() - size))
            except OSError:
                pass  # all that there was is taken

    def free(self):
        now = os.statvfs(self.path)
        return now.f_bavail * now.f_frsize


class DiskFull(unittest.TestCase):
    def setUp(self):
        self.disk = SmallDisk(self)

    def serve(self, *options):
        self.server = Server(*options, directory=self.disk.path)
        self.addCleanup(self.server.remove)
        self.server.start()
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    def create(self, body):
        answer = self.client.post(body, "text/plain")
        self.assertEqual(answer.status, 201, answer.body)
        return answer["Location"]

    def expect(self, answer, status, slug):
        self.assertEqual(answer.status, status, answer.body)
        self.assertTrue(answer.json["type"].endswith(slug), answer.json)

    def comes_to(self, status, request):
        """The server looks at the disk once a second; until then its answers are those of before."""
        self.assertTrue(wait_until(lambda: request().status == status), request().body)

    def test_below_the_watermark_writes_are_refused_and_below_the_reserve_reads_too(self):
        self.serve("--disk-watermark", "32MiB", "--disk-reserve", "8MiB")
        path = self.create(b"before")
        etag = self.client.get(path)["ETag"]
        unwanted = self.create(b"large" * 100000)

        self.disk.leave(20 * MIB)
        self.comes_to(507, lambda: self.client.post(b"small"))
        self.expect(self.client.post(b"small"), 507, "insufficient-storage")
        self.expect(self.client.post(b"large" * 100000), 507, "insufficient-storage")
        self.expect(self.client.put(path, b"new", if_match=etag), 507, "insufficient-storage")
        self.assertEqual(self.client.get(path).body, b"before")
        self.assertEqual(self.client.get("/v1/records").status, 200)
        self.assertEqual(self.client.delete(unwanted).status, 204, "deleting gives space back")

        self.disk.leave(4 * MIB)
        self.comes_to(503, lambda: self.client.get(path))
        self.assertEqual(self.client.get("/v1/records").status, 503)
        self.assertEqual(self.client.post(b"small").status, 507)
        self.assertEqual(self.client.get("/v1/health").status, 200)

        self.disk.leave(20 * MIB)
        self.comes_to(200, lambda: self.client.get(path))
        self.assertEqual(self.client.post(b"small").status, 507)

        self.disk.leave(None)
        self.comes_to(201, lambda: self.client.post(b"after"))
        self.assertEqual(self.client.put(path, b"new", if_match=etag).status, 200)
        self.assertEqual(self.client.get(path).body, b"new")
        self.assertEqual(self.server.stop(), 0)
        self.server.audit()

    def test_a_disk_that_is_full_before_anyone_looked_loses_no_answer(self):
        self.serve("--disk-watermark", "0", "--disk-reserve", "0")
        stored = {self.create(body): body for body in (b"one", b"two" * 50000)}
        deleted = self.create(b"three")
        self.assertEqual(self.client.delete(deleted).status, 204)

        self.disk.leave(MIB)
        refused = 0
        for number in range(400):
            body = b"%d " % number * (5000 if number % 4 == 0 else 200)
            answer = self.client.post(body, "text/plain")
            if answer.status == 201:
                stored[answer["Location"]] = body
            else:
                self.assertIn(answer.status, (503, 507), answer.body)
                refused += 1
            if refused == 20:
                break
        self.assertGreater(refused, 0, "the disk was never full")
        self.assertEqual(self.client.get("/v1/health").status, 200)

        self.disk.leave(None)
        self.comes_to(201, lambda: self.client.post(b"after"))
        self.create(b"after" * 50000)
        self.check(stored, deleted)
        self.assertEqual(self.server.stop(), 0)
        self.server.audit()
        self.server.start()
        self.client.close()
        self.check(stored, deleted)

    def check(self, stored, deleted):
        for path, body in stored.items():
            answer = self.client.get(path)
            self.assertEqual(answer.status, 200, answer.body[:300])
            self.assertTrue(answer.body == body, path)
        self.assertEqual(self.client.get(deleted).status, 410)


if __name__ == "__main__":
    unittest.main()
