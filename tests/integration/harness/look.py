"""What an operator sees of a proxy: /readyz, /metrics and the log, at one moment."""
import re

SAMPLE = re.compile(r'^(\w+)(?:\{(?:(\w+)="([^"]*)")?[^}]*\})? (\S+)$')


def samples(proxy):
    """(metric, first label's value or None) -> number."""
    found = {}
    for line in proxy.http("/metrics")[1].splitlines():
        if not line.startswith("#"):
            metric, _, label, number = SAMPLE.match(line).groups()
            found[metric, label] = float(number)
    return found


class Look:
    """look("pool_used") is sluse_pool_used; look("errors_total", "1045") that of the label. An error number that did not occur is 0."""

    def __init__(self, proxy):
        self.status, self.body = proxy.http("/readyz")
        self.metrics, self.log = samples(proxy), proxy.log().splitlines()

    def __call__(self, metric, label=None):
        absent = 0 if metric == "errors_total" else None
        return self.metrics.get(("sluse_" + metric, label), absent)

    def lines(self, text):
        """Lines of the log that have the text."""
        return self.lines_of("\n".join(self.log), text)

    @staticmethod
    def lines_of(log, text):
        return [line for line in log.splitlines() if text in line]

    def complaints(self):
        """Lines that an operator is to look at."""
        return [line for line in self.log if re.search(r"Z (warning|error): ", line)]

    def longer_than(self, histogram, seconds):
        """How many of it are known to have taken longer than a bucket's bound."""
        return self(histogram + "_seconds_count") - self(histogram + "_seconds_bucket", str(seconds))
