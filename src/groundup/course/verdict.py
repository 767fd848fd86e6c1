"""A verdict: what became of a learner's attempt, in words that help with the next one."""

import textwrap
from dataclasses import dataclass
from typing import Literal

Kind = Literal["passed", "failed", "broken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the checker says of one attempt.

    kind: "passed"; "failed": a check found it wrong; "broken": no check could judge it (not written, does not run).
    sentence: what is wrong and the way on. input, expected, got: the smallest case that fails, as text, where there is one.
    """

    kind: Kind
    exercise: str
    sentence: str
    rung: str = ""
    check: str = ""
    input: str = ""
    expected: str = ""
    got: str = ""
    line: int | None = None  # of the learner's file
    rungs: tuple[str, ...] = ()  # those that were passed
    printed: str = ""  # what the learner's code wrote, its beginning
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether all checks were passed."""
        return self.kind == "passed"

    def text(self) -> str:
        """The verdict as lines for a terminal.

        >>> print(Verdict(kind="failed", exercise="a.b", rung="values", sentence="Adds 1.", input="x = 1", expected="1", got="2").text())
        values: Adds 1.
          input     x = 1
          expected  1
          got       2
        """
        lines = [f"{self.rung}: {self.sentence}" if self.rung else self.sentence]
        lines += [
            textwrap.indent(value, " " * 12).replace(" " * 12, f"  {name:<10}", 1)
            for name in ("input", "expected", "got")
            if (value := getattr(self, name))
        ]
        return "\n".join(lines)
