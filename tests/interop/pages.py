"""The documents, taken apart: blocks of commands and what says who runs them (test_documents.py), and the text around."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Block:
    def __init__(self, info, text):
        language, *words = info.split() or [""]
        self.language, self.text = language, text
        self.options = dict(word.split("=", 1) for word in words)


def blocks(page):
    return [Block(info, text) for info, text in
            re.findall(r"^```([^\n]*)\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)]


def commands(page, **options):
    """The commands of a page whose blocks have just these options, in order."""
    return [block.text for block in blocks(page) if block.language == "sh" and block.options == options]


def prose(page):
    """A page without its blocks."""
    return re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.M | re.S)
