"""From raw sources to token shards.

documents   the record that everything here passes on        dedup/     the same text only once
sources/    where documents come from                        pipeline/  shards of tokens, packed rows, the loader
splits      a part of the user's text is held out            build      the data of a run, from its configuration
                                                             folder     what `build` wrote, read
"""
