"""From raw pages to text worth learning from; whatever is dropped is dropped with a reason.

extract        the main text of an HTML page
blocklists     addresses that are not wanted; text in the wrong encoding repaired
language       which language a text is in
quality        the rules of Gopher, C4 and FineWeb
repetition     how much of a text repeats itself
classifier     a linear classifier of hashed n-grams, trained from labelled rows
labelled       the rows that it learns from;  roc: how well a score separates them, with an interval
toxicity       hateful and adult text
privacy        addresses, numbers and accounts of people masked
decontaminate  text of benchmarks found in training data
inspect        what was kept and dropped, page by page; a corpus in figures
"""
