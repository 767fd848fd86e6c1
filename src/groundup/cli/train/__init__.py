"""`groundup train`: a transformer, or with a second word one of the models that came before it.

model      no second word: a transformer, by a recipe
ngram      counts of tokens                        vectors  one vector a word
tagger     a tag for each word of a sentence       parser   a sentence's tree
recurrent  a network that reads character by character
making     what the last five share: text apart to measure on, the folder, results.json
"""

from groundup.cli.train.model import run
from groundup.cli.train.ngram import train_ngram
from groundup.cli.train.parser import train_parser
from groundup.cli.train.recurrent import train_recurrent
from groundup.cli.train.tagger import train_tagger
from groundup.cli.train.vectors import train_vectors

ACTIONS = {
    "": run,
    "ngram": train_ngram,
    "vectors": train_vectors,
    "tagger": train_tagger,
    "parser": train_parser,
    "recurrent": train_recurrent,
}
