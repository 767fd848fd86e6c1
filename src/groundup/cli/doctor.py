"""`groundup doctor`: what this machine and installation have, and what to do about what is missing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorOptions:
    """Check this machine and installation."""

    json: bool = False
    """print the findings as JSON on stdout"""


def run(options: DoctorOptions) -> int:
    """Print every finding; status 1 when something that groundup needs is missing."""
    from groundup.runs import doctor

    return doctor.report(as_json=options.json)
