"""`groundup data`: from the raw web to token shards, with a word about every document that was dropped.

building       build: the documents of a run, or a pipeline over your own folder; remove: what its owner wants out
looking        inspect: kept and dropped documents with the reasons; profile: a corpus in figures and pictures; estimate: its tokens
deduplicating  dedup: the same text only once
filtering      train-filter: a filter of unwanted text from labelled rows
fetching       fetch: pages and files from the web, politely
synthesizing   synthesize: texts written by a local model
exporting      export: documents as Parquet, TFRecord, WebDataset, JSON lines or token shards
transferring   transfer: what a model that read one kind of text knows of another, as a matrix
"""

from groundup.cli.data.building import build, remove
from groundup.cli.data.deduplicating import dedup
from groundup.cli.data.exporting import export
from groundup.cli.data.fetching import fetch
from groundup.cli.data.filtering import train_filter
from groundup.cli.data.looking import estimate, inspect, profile
from groundup.cli.data.synthesizing import synthesize
from groundup.cli.data.transferring import transfer

ACTIONS = {
    "build": build,
    "inspect": inspect,
    "profile": profile,
    "estimate": estimate,
    "dedup": dedup,
    "train-filter": train_filter,
    "fetch": fetch,
    "synthesize": synthesize,
    "export": export,
    "transfer": transfer,
    "remove": remove,
}
