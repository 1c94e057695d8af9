"""The explorer: a page on which one steps through a model and sees what can happen next.

``views`` says what the page shows of a path, ``goals`` finds paths, ``traces`` follows
recorded traces; none of them knows of the web. ``server`` answers requests, ``page.*`` is
the page itself. Nothing is kept between requests but caches: the whole state is the path,
which stands in the address.
"""
