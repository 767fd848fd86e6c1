"""`groundup bench`: what this machine can do, what a model makes of it, and what other chips would.

roofline    machine, roofline, accelerators
record      seconds to a held-out loss
serve       a load sent to a server: latency against load
"""

from groundup.cli.bench.record import record
from groundup.cli.bench.roofline import accelerators, machine, roofline
from groundup.cli.bench.serve import serve

ACTIONS = {"machine": machine, "roofline": roofline, "accelerators": accelerators, "record": record, "serve": serve}
