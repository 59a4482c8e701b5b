"""Large records through nginx: memory of coffer stays flat, and what breaks off leaves nothing."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "api"))

import test_stream  # noqa: E402


class ThroughNginx(test_stream.Stream):
    through = "nginx"


class ThroughNginxOverTcp(test_stream.Stream):
    through = "nginx-tcp"


if __name__ == "__main__":
    unittest.main()
