"""From documents to batches.

steps       what one does with a document, by name        etl         a list of steps over shards, resumable, with a report
cleaning    the steps of the rooms beside this one        shard       one shard through the steps: a pure function
domains     pipelines that are there already              report      what each step kept and dropped, with samples
processes   its shards in processes of this machine       on_ray      the same on Ray Data
card        the data card, from the run itself
removal     what its owner wants out, also of built shards
synthesize  texts that a local model wrote

exchange    Parquet, TFRecord, WebDataset, JSON lines     tfrecord, webdataset   records, archives
storage     folders at any address of fsspec's            estimate    tokens of a huge set, with an error bar

tokenize    documents -> shards of token ids on disk      mixing      several sources, each with its share of the rows
formats     the shards, with index and checksums          streaming   rows -> shuffled batches, a function of the step
packing     documents -> rows of one length
"""
