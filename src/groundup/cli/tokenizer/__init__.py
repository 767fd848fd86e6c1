"""`groundup tokenizer`: train one, use it on streams of any size, look inside, compare what it costs, take it elsewhere.

training    train
streams     encode, decode: line by line from a file or stdin to stdout
inspecting  inspect: what it is, or a text's pieces in colours
comparing   compare: tokens by file and language, for several tokenizers
measuring   sizes, impact: how large a vocabulary should be, and what cutting does to what is learned
changing    convert, extend
"""

from groundup.cli.tokenizer.changing import convert, extend
from groundup.cli.tokenizer.comparing import compare
from groundup.cli.tokenizer.inspecting import inspect
from groundup.cli.tokenizer.measuring import impact, sizes
from groundup.cli.tokenizer.streams import decode, encode
from groundup.cli.tokenizer.training import train

ACTIONS = {
    "train": train,
    "encode": encode,
    "decode": decode,
    "inspect": inspect,
    "compare": compare,
    "sizes": sizes,
    "impact": impact,
    "convert": convert,
    "extend": extend,
}
