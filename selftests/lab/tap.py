# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""What a lab test says on standard output: one line for each sentence that held or did not (TAP)."""
import sys
import traceback


class Tap:
    """
    with Tap() as tap: tap.ok(...)

    Prints the plan at the end, also after an exception, which counts as a sentence that did not
    hold. The block's end leaves the program with 1 if anything did not.
    """

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, holds, sentence, *found):
        """`found`: what was seen instead, printed where the sentence does not hold."""
        self.count += 1
        self.failed += not holds
        print(f"{'ok' if holds else 'not ok'} {self.count} - {sentence}", flush=True)
        if not holds:
            for what in found:
                for line in str(what).splitlines():
                    print(f"#   {line}", flush=True)
        return bool(holds)

    def equal(self, found, wanted, sentence):
        return self.ok(found == wanted, sentence, f"found {found!r}, wanted {wanted!r}")

    def skip(self, sentence, reason):
        self.count += 1
        print(f"ok {self.count} - {sentence} # SKIP {reason}", flush=True)

    @staticmethod
    def note(text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind and issubclass(kind, Exception):
            self.ok(False, f"runs to its end ({kind.__name__})",
                    "".join(traceback.format_exception(kind, error, trace)))
        print(f"1..{self.count}", flush=True)
        if kind and not issubclass(kind, Exception):
            return False  # a signal: let it through
        sys.exit(1 if self.failed else 0)
