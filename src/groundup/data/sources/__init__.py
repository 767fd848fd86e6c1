"""Where documents come from.

python      the documentation and source of the Python that runs this: on every machine
tinyworld   a generated world whose exact entropy is known
files       the user's own text: files, folders, archives, addresses. Its readers:
            tables (JSON lines, CSV, Parquet, Arrow, data sets)   archives (zip, tar)   warc, responses (web archives)
            lines, members, encodings, places (where and how bytes lie)   commoncrawl (path lists, CDX)   damage (what was not read)
politeness  what a site allows: robots.txt, reservations, licences, the pace; removal: what must not be used
crawl       from addresses to web archives: fetch (one page), links and sitemaps, urls (one form), warc_writer
tagged      sentences with tags        algorithmic   tasks with one right answer
"""
