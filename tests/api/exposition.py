"""The text format of Prometheus, 0.0.4, read strictly: whatever it does not allow is an error."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")


def _value(text):
    return float(text.replace("Inf", "inf"))


class Metrics:
    def __init__(self, text):
        self.help, self.type, self.samples = {}, {}, {}
        if not text.endswith("\n"):
            raise ValueError("the last line does not end")
        family = None
        for line in text.split("\n")[:-1]:
            if line.startswith("# HELP "):
                family, told = line[7:].split(" ", 1)
                if family in self.help or not told:
                    raise ValueError(f"help of {family} comes twice, or is empty")
                self.help[family] = told
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                if name != family or name in self.type or kind not in ("counter", "gauge", "histogram"):
                    raise ValueError(line)
                self.type[name] = kind
            else:
                self._sample(line, family)

    def _sample(self, line, family):
        found = SAMPLE.fullmatch(line)
        if not found:
            raise ValueError(f"no sample: {line!r}")
        name, labels, value = found.group(1), found.group(2) or "", found.groups()[-1]
        base = re.sub("_(bucket|sum|count)$", "", name) if self.type.get(family) == "histogram" else name
        if base != family:
            raise ValueError(f"{name} stands in the family {family}")
        key = (name, tuple(sorted(re.findall(LABEL, labels))))
        if key in self.samples:
            raise ValueError(f"twice: {line}")
        self.samples[key] = _value(value)

    def get(self, name, **labels):
        """A sample's value; 0 for one that is not there."""
        return self.samples.get((name, tuple(sorted(labels.items()))), 0.0)

    def sum(self, name, **labels):
        """Of all samples of that name that have at least these labels."""
        return sum(value for (found, has), value in self.samples.items()
                   if found == name and set(labels.items()) <= set(has))

    def labels(self, name, label):
        return {dict(has)[label] for found, has in self.samples if found == name and label in dict(has)}
